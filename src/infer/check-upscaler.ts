import { types } from 'node:util';
import { z } from 'zod';
import { abortSignal, checkOptions, isObject, kindOf, whole } from '../shared/check-options.js';
import { TinySRError } from '../shared/errors.js';
import { FRAME_FORMATS, type FrameLayout, isSubsampled } from '../shared/layout.js';
import { MAX_SIDE } from '../shared/limits.js';
import { tileSides, tileText } from './tile-sides.js';
import { DEVICES, type Model, PRECISIONS, type Upscaler, type UpscalerOptions } from './types.js';

const side = z.int().min(1).max(MAX_SIDE);

const MODEL = z.object(
  { name: z.string(), scale: z.literal([2, 3, 4]), multiple: z.int().min(1), variants: z.array(z.unknown()) },
  'expected a model, as resolveModel gives it',
);

const UPSCALER = z.object({
  model: MODEL,
  ...{ device: z.enum(DEVICES), format: z.enum(FRAME_FORMATS), width: side, height: side },
  ...{ batch: whole(1, 64), threads: whole(1, 256), tile: whole(0, MAX_SIDE), parallel: z.boolean().optional() },
  ...{ precision: z.enum(['auto', ...PRECISIONS]).optional(), signal: abortSignal },
});

/** @throws TinySRError `TSR_USAGE` for what is no model */
export function checkModel(model: Model): void {
  if (MODEL.safeParse(model).success) return;
  throw new TinySRError(
    'TSR_USAGE',
    `the model: expected a model, as resolveModel gives it, received ${kindOf(model)}`,
    {
      hint: "For example: await resolveModel('tinysr-nano').",
    },
  );
}

/** @throws TinySRError `TSR_USAGE` for what is no upscaler: nothing, or the promise of one */
export function checkUpscaler(upscaler: Upscaler): void {
  if (isObject(upscaler) && typeof upscaler.upscale === 'function') return;
  throw new TinySRError('TSR_USAGE', `the upscaler: expected one that is open, received ${kindOf(upscaler)}`, {
    hint: 'Give what createUpscaler resolves to: const upscaler = await createUpscaler(options).',
  });
}

function sizeError({ width, height }: Pick<UpscalerOptions, 'width' | 'height'>, needs: string, hint: string) {
  return new TinySRError('TSR_USAGE', `frames of ${width}x${height}: ${needs}`, { hint });
}

/**
 * Checks options before anything is opened: JavaScript lets all pass, and the runtime's words for a size that does not
 * fit tell nothing.
 *
 * @throws TinySRError `TSR_USAGE`
 */
export function checkUpscalerOptions(options: UpscalerOptions): void {
  const size = 'width: 480, height: 270';
  const example = `createUpscaler({ model: await resolveModel('tinysr-nano'), device: 'auto', format: 'rgb24', ${size} })`;
  checkOptions(UPSCALER, options, example);
  const { model, format, width, height } = options;
  const multiple = isSubsampled(format) && model.multiple % 2 ? model.multiple * 2 : model.multiple;
  const tile = tileSides(model);
  const least = tile ?? { width: 1, height: 1 };
  if (width % multiple === 0 && height % multiple === 0 && width >= least.width && height >= least.height) return;
  const padded = (length: number, side: number) => Math.ceil(Math.max(length, side) / multiple) * multiple;
  const from = tile ? ` from ${tileText(tile)} on` : '';
  const needs = `in ${format}, ${model.name} takes sides that are multiples of ${multiple}${from}`;
  throw sizeError(
    options,
    needs,
    `Pad frames to ${padded(width, least.width)}x${padded(height, least.height)}, and crop what comes out.`,
  );
}

/**
 * @param frames what is to be run
 * @param batch most frames of a run
 * @throws TinySRError `TSR_USAGE` when it is no buffer that holds `count` frames of the layout
 */
export function checkFrames(frames: ArrayBuffer, count: number, batch: number, layout: FrameLayout): void {
  if (!Number.isInteger(count) || count < 1 || count > batch) {
    throw new TinySRError('TSR_USAGE', `${count} frames in a call: 1 to ${batch} whole ones are possible`, {
      hint: 'upscaler.batch is the most.',
    });
  }
  const needed = count * layout.bytes;
  if (types.isArrayBuffer(frames) && frames.byteLength >= needed) return;
  const given = types.isArrayBuffer(frames)
    ? `one of ${frames.byteLength} bytes`
    : Object.prototype.toString.call(frames).slice('[object '.length, -1);
  const { format, width, height } = layout;
  throw new TinySRError(
    'TSR_USAGE',
    `frames must be an ArrayBuffer of at least ${needed} bytes (${count} of ${width}x${height} in ${format}), not ${given}`,
    { hint: 'A buffer that was given to a call is empty until it comes back with the result.' },
  );
}
