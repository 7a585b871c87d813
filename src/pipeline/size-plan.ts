import { tileSides } from '../infer/tile-sides.js';
import type { Model } from '../infer/types.js';
import { TinySRError } from '../shared/errors.js';
import { MAX_PIXELS, MAX_SIDE } from '../shared/limits.js';
import type { VideoStream } from '../shared/media.js';
import { rationalValue } from '../shared/rational.js';
import type { UpscaleOptions } from './options.js';

/** Sizes along the line, in pixels. */
export interface SizePlan {
  /** Raw source frames: the picture, padded to what the model takes. */
  readonly frame: { readonly width: number; readonly height: number };
  /** Picture within the upscaled frame. */
  readonly picture: { readonly width: number; readonly height: number };
  /** Output picture. */
  readonly width: number;
  readonly height: number;
}

function outputSize(video: VideoStream, model: Model, options: UpscaleOptions): { width: number; height: number } {
  const { width, height } = options;
  const scale = options.scale ?? model.scale;
  if (width !== undefined && height !== undefined) return { width, height };
  if (width !== undefined) return { width, height: Math.max(1, Math.round((video.height * width) / video.width)) };
  if (height !== undefined) return { width: Math.max(1, Math.round((video.width * height) / video.height)), height };
  return { width: Math.round(video.width * scale), height: Math.round(video.height * scale) };
}

/**
 * The size at which a picture of pixels that are not square looks right where pixels are: its shorter side grows, or the
 * one that was not asked for changes. Both sides asked for are what they are.
 */
export function squareSize(
  { sampleAspectRatio }: VideoStream,
  { width, height }: SizePlan,
  asked: Pick<UpscaleOptions, 'width' | 'height'>,
): { readonly width: number; readonly height: number } {
  if (asked.width !== undefined && asked.height !== undefined) return { width, height };
  const shape = rationalValue(sampleAspectRatio);
  const wide = { width: Math.max(1, Math.round(width * shape)), height };
  const high = { width, height: Math.max(1, Math.round(height / shape)) };
  const grows = shape > 1 ? wide : high;
  const wanted = asked.width !== undefined ? high : asked.height !== undefined ? wide : grows;
  const fits = Math.max(wanted.width, wanted.height) <= MAX_SIDE && wanted.width * wanted.height <= MAX_PIXELS;
  // What is too large has grown: the other way shrinks.
  return fits ? wanted : wanted === wide ? high : wide;
}

/**
 * Decides all sizes.
 *
 * @throws TinySRError `TSR_INPUT_TOO_LARGE` when the result would be too large to encode
 */
export function planSizes(video: VideoStream, model: Model, options: UpscaleOptions): SizePlan {
  const { width, height } = outputSize(video, model, options);
  const picture = { width: video.width * model.scale, height: video.height * model.scale };
  for (const size of [picture, { width, height }]) {
    if (size.width > MAX_SIDE || size.height > MAX_SIDE || size.width * size.height > MAX_PIXELS) {
      throw new TinySRError(
        'TSR_INPUT_TOO_LARGE',
        `${options.input}: ${video.width}x${video.height} would become ${size.width}x${size.height}; ${MAX_SIDE} pixels a side is the limit`,
        { hint: 'Use a model of a smaller scale (tinysr-video models lists them).' },
      );
    }
  }
  // Frames are even too, so that 4:2:0 frames of the same model could be used and tiles start at even pixels.
  const multiple = model.multiple % 2 ? model.multiple * 2 : model.multiple;
  const least = tileSides(model);
  const padded = (length: number, tile = 0) => Math.max(tile, Math.ceil(length / multiple) * multiple);
  const frame = { width: padded(video.width, least?.width), height: padded(video.height, least?.height) };
  return { frame, picture, width, height };
}
