import type { Model } from '../infer/types.js';
import { effectiveMatrix, hasNoMatrix, isLimitedGrey, type Matrix, matrixTag } from '../shared/color.js';
import type { FrameFormat } from '../shared/layout.js';
import type { ColorTags, VideoStream } from '../shared/media.js';
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

function frameFormat(video: VideoStream, model: Model, size: SizePlan, depth: 8 | 10, fullRange: boolean): FrameFormat {
  const has = (format: FrameFormat) => model.variants.some((variant) => variant.format === format);
  const unpadded = size.frame.width === video.width && size.frame.height === video.height;
  const yuv: FrameFormat = depth === 8 ? 'yuv420p' : 'yuv420p10le';
  // 4:2:0 frames stay 4:2:0: half the bytes of RGB and no conversion either way.
  const coarse =
    /^(yuv420p|nv12|nv21|p010)/.test(video.pixelFormat) || isLimitedGrey(video.pixelFormat, video.color.range);
  const is420 = coarse && (depth === 8 || video.depth <= 10);
  if (is420 && unpadded && !fullRange && has(yuv)) return yuv;
  return depth === 10 && has('rgb48le') ? 'rgb48le' : 'rgb24';
}

/** Decides frame format, matrix, range and tags. */
export function planColor(video: VideoStream, model: Model, size: SizePlan, depth: 8 | 10): ColorPlan {
  const isRgb = hasNoMatrix(video.pixelFormat, video.color.range);
  if (isRgb) {
    const matrix = effectiveMatrix(UNTAGGED, size.height);
    const { primaries, transfer } = video.color;
    const format = depth === 10 && model.variants.some((v) => v.format === 'rgb48le') ? 'rgb48le' : 'rgb24';
    return { format, matrix, fullRange: false, tags: { ...UNTAGGED, matrix: matrixTag(matrix), primaries, transfer } };
  }
  const fullRange = video.color.range === 'pc';
  const matrix = effectiveMatrix(video.color, video.height);
  // Untagged SD that becomes HD would be shown with the HD matrix: a tag says which one it is.
  const guessed = effectiveMatrix(UNTAGGED, size.height);
  const tag = video.color.matrix ?? (guessed === matrix ? undefined : matrixTag(matrix));
  return {
    format: frameFormat(video, model, size, depth, fullRange),
    matrix,
    fullRange,
    tags: { ...video.color, matrix: tag },
  };
}
