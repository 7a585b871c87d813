import { tileSides } from '../../infer/tile-sides.js';
import type { Model } from '../../infer/types.js';
import type { PictureSize } from '../rtp/access-unit.js';
import type { Level } from './governor.js';

/** Shares of the full size that the governor can step down to. */
export const SIZE_STEPS: readonly number[] = [1, 0.75, 0.5, 0.375, 0.25];

/** Smallest side the model is given, in pixels. */
const SMALLEST = 32;

/** Raw frames on a live path: a model that ships takes 4:2:0 as it is decoded, an ONNX file of somebody's own takes RGB. */
export type LiveFormat = 'yuv420p' | 'rgb24';

/** The raw frames that a model is given live; undefined when it takes neither kind. */
export function liveFormat(model: Model): LiveFormat | undefined {
  const formats: readonly LiveFormat[] = ['yuv420p', 'rgb24'];
  return formats.find((format) => model.variants.some((variant) => variant.format === format));
}

/** Sizes and model of one life of the bridge. */
export interface BridgePlan {
  readonly model: Model;
  readonly format: LiveFormat;
  /** Size in the publisher's stream. */
  readonly source: PictureSize;
  /** Size the model is given. */
  readonly work: PictureSize;
  /** Size of the upscaled stream. */
  readonly output: PictureSize;
}

function even(value: number): number {
  return Math.max(SMALLEST, Math.round(value / 2) * 2);
}

/** The largest size of the same shape that fits into the box, lying or standing as the picture does. */
function fitInto(size: PictureSize, box: PictureSize): PictureSize {
  const standing = size.height > size.width;
  const [long, short] = [Math.max(box.width, box.height), Math.min(box.width, box.height)];
  const factor = Math.min(1, (standing ? short : long) / size.width, (standing ? long : short) / size.height);
  return { width: size.width * factor, height: size.height * factor };
}

/**
 * A model that enlarges less reaches the output cap from a larger picture: that must not cost more than what the best
 * model is given, as the step to a smaller model is there to save work.
 */
function affordable(full: PictureSize, model: Model, best: Model, reached: (model: Model) => PictureSize): PictureSize {
  // What a model of somebody's own costs is not known.
  if (best.macsPerLrPixel === undefined || model.macsPerLrPixel === undefined) return full;
  const cost = ({ macsPerLrPixel = 1 }: Model, { width, height }: PictureSize) => macsPerLrPixel * width * height;
  const factor = Math.min(1, Math.sqrt(cost(best, reached(best)) / cost(model, full)));
  return { width: full.width * factor, height: full.height * factor };
}

/**
 * What to do with a source of this size.
 *
 * @param surplus how many times larger, a side, than the output cap the model's result may be before it is reduced to it
 */
export function planBridge(
  source: PictureSize,
  models: readonly Model[],
  level: Pick<Level, 'model' | 'size'>,
  maxOutput: PictureSize,
  surplus: number,
): BridgePlan {
  const model = models[Math.min(level.model, models.length - 1)];
  if (!model) throw new RangeError('there is no model to plan with');
  const reached = ({ scale }: Model) => {
    const reach = surplus / scale;
    return fitInto(source, { width: maxOutput.width * reach, height: maxOutput.height * reach });
  };
  const full = affordable(reached(model), model, models[0] ?? model, reached);
  const share = SIZE_STEPS[Math.min(level.size, SIZE_STEPS.length - 1)] ?? 1;
  const multiple = model.multiple % 2 ? model.multiple * 2 : model.multiple;
  const least = tileSides(model);
  const aligned = (value: number, tile = multiple) => Math.max(tile, Math.ceil(even(value) / multiple) * multiple);
  const work = {
    width: aligned(full.width * share, least?.width),
    height: aligned(full.height * share, least?.height),
  };
  // The shape is the source's; that of `work` is off by what the model's multiple needs.
  const enlarged = { width: full.width * share * model.scale, height: full.height * share * model.scale };
  const capped = fitInto(enlarged, maxOutput);
  const format = liveFormat(model) ?? 'yuv420p';
  return { model, format, source, work, output: { width: even(capped.width), height: even(capped.height) } };
}

/** Whether two sizes are the same. */
export function sameSize(a: PictureSize, b: PictureSize): boolean {
  return a.width === b.width && a.height === b.height;
}

/** Whether two plans ask for the same processes and sessions. */
export function samePlan(a: BridgePlan, b: BridgePlan): boolean {
  const sizes = ['source', 'work', 'output'] as const;
  return a.model === b.model && sizes.every((size) => sameSize(a[size], b[size]));
}
