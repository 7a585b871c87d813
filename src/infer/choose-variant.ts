import { TinySRError } from '../shared/errors.js';
import type { FrameFormat } from '../shared/layout.js';
import { hasByteProducts } from './cpu-features.js';
import type { Model, ModelVariant, PrecisionChoice, Provider } from './types.js';

/**
 * The graph of a model for frames of a format.
 *
 * @param precision `auto` takes the model's first that is not int8 of ours, whose steps show as a faint grid in flat places; a name
 *   takes that one
 * @throws TinySRError `TSR_MODEL_UNSUPPORTED` when there is none, or it is int8 and the CPU has no products of bytes
 */
export function chooseVariant(
  model: Model,
  format: FrameFormat,
  provider: Provider,
  precision: PrecisionChoice,
): ModelVariant {
  const variants = model.variants.filter((variant) => variant.format === format);
  const of = (wanted: ModelVariant['precision']) => variants.find((variant) => variant.precision === wanted);
  // A model of somebody else has the one graph that was exported, for whatever machine that was.
  const usual = variants.find((variant) => variant.precision !== 'int8' || variant.contract !== undefined);
  const found = precision === 'auto' ? usual : of(precision);
  if (found?.precision === 'int8' && !found.contract && provider === 'cpu' && !hasByteProducts()) {
    throw new TinySRError('TSR_MODEL_UNSUPPORTED', `${model.name}: int8 would come out wrong on this CPU`, {
      hint: 'It has no products of bytes (VNNI, dot products), or the system does not tell. Leave --precision out.',
    });
  }
  if (found) return found;
  if (!variants.length)
    throw new TinySRError('TSR_MODEL_UNSUPPORTED', `${model.name} has no graph for ${format} frames`);
  const there = variants.map((variant) => variant.precision).join(', ');
  throw new TinySRError('TSR_MODEL_UNSUPPORTED', `${model.name} has no ${precision} graph for ${format} frames`, {
    hint: `It has ${there}; leave --precision out to take the usual one.`,
  });
}
