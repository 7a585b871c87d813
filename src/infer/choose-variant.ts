import { TinySRError } from '../shared/errors.js';
import type { FrameFormat } from '../shared/layout.js';
import { hasByteProducts } from './cpu-features.js';
import type { Model, ModelVariant, PrecisionChoice, Provider } from './types.js';

/**
 * The graph of a model for frames of a format.
 *
 * @param precision `auto` takes int8 on CPUs that have products of bytes, if the model has such a graph, and else the
 *   model's first; a name takes that one
 * @throws TinySRError `TSR_MODEL_UNSUPPORTED` when there is none
 */
export function chooseVariant(
  model: Model,
  format: FrameFormat,
  provider: Provider,
  precision: PrecisionChoice,
): ModelVariant {
  const variants = model.variants.filter((variant) => variant.format === format);
  const of = (wanted: ModelVariant['precision']) => variants.find((variant) => variant.precision === wanted);
  const [first] = variants.filter((variant) => variant.precision !== 'int8');
  const fast = provider === 'cpu' && hasByteProducts() ? of('int8') : undefined;
  const found = precision === 'auto' ? (fast ?? first) : of(precision);
  if (found) return found;
  if (!variants.length)
    throw new TinySRError('TSR_MODEL_UNSUPPORTED', `${model.name} has no graph for ${format} frames`);
  const there = variants.map((variant) => variant.precision).join(', ');
  throw new TinySRError('TSR_MODEL_UNSUPPORTED', `${model.name} has no ${precision} graph for ${format} frames`, {
    hint: `It has ${there}; leave --precision out to take what suits the device.`,
  });
}
