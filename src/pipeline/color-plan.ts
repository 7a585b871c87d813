import type { Model } from '../infer/types.js';
import { effectiveMatrix, hasNoMatrix, isLimitedGrey, type Matrix, matrixTag } from '../shared/color.js';
import type { FrameFormat } from '../shared/layout.js';
import type { ColorTags, VideoStream } from '../shared/media.js';
import type { Depth } from './options.js';
import type { SizePlan } from './size-plan.js';

/** How colour crosses the line. */
export interface ColorPlan {
  /** Raw format of the frames. */
  readonly format: FrameFormat;
  readonly matrix: Matrix;
  readonly fullRange: boolean;
  /** Tags of the output. */
  readonly tags: ColorTags;
}

const UNTAGGED: ColorTags = {
  range: undefined,
  matrix: undefined,
  primaries: undefined,
  transfer: undefined,
  chromaLocation: undefined,
};

function frameFormat(video: VideoStream, model: Model, size: SizePlan, depth: Depth, fullRange: boolean): FrameFormat {
  const has = (format: FrameFormat) => model.variants.some((variant) => variant.format === format);
  const unpadded = size.frame.width === video.width && size.frame.height === video.height;
  const yuv: FrameFormat = depth === 8 ? 'yuv420p' : 'yuv420p10le';
  // 4:2:0 frames stay 4:2:0: half the bytes of RGB and no conversion either way.
  const coarse =
    /^(yuv420p|nv12|nv21|p010)/.test(video.pixelFormat) || isLimitedGrey(video.pixelFormat, video.color.range);
  const is420 = coarse && (depth === 8 || video.depth <= 10);
  if (is420 && unpadded && !fullRange && has(yuv)) return yuv;
  return rgbFormat(model, depth);
}

/** RGB of eight bits, or of more where the model takes them. */
function rgbFormat(model: Model, depth: Depth): FrameFormat {
  return depth > 8 && model.variants.some(({ format }) => format === 'rgb48le') ? 'rgb48le' : 'rgb24';
}

/**
 * Decides frame format, matrix, range and tags.
 *
 * @param rgb whether frames are to be RGB whatever the source is, as pictures are
 */
export function planColor(video: VideoStream, model: Model, size: SizePlan, depth: Depth, rgb = false): ColorPlan {
  const isRgb = hasNoMatrix(video.pixelFormat, video.color.range);
  if (isRgb) {
    const matrix = effectiveMatrix(UNTAGGED, size.height);
    const { primaries, transfer } = video.color;
    const format = rgbFormat(model, depth);
    return { format, matrix, fullRange: false, tags: { ...UNTAGGED, matrix: matrixTag(matrix), primaries, transfer } };
  }
  const fullRange = video.color.range === 'pc';
  const matrix = effectiveMatrix(video.color, video.height);
  // Untagged SD that becomes HD would be shown with the HD matrix: a tag says which one it is.
  const guessed = effectiveMatrix(UNTAGGED, size.height);
  const tag = video.color.matrix ?? (guessed === matrix ? undefined : matrixTag(matrix));
  return {
    format: rgb ? rgbFormat(model, depth) : frameFormat(video, model, size, depth, fullRange),
    matrix,
    fullRange,
    tags: { ...video.color, matrix: tag },
  };
}
