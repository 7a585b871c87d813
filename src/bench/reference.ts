import { chooseVariant } from '../infer/choose-variant.js';
import { Engine } from '../infer/engine.js';
import type { Model, ModelVariant } from '../infer/types.js';
import { type FrameLayout, sampleBytes } from '../shared/layout.js';
import type { ResultCheck } from './types.js';

/** Levels of 255 by which a right result may differ: rounding, and the order of sums. */
const TOLERANCE = 2;
/** The same for int8 graphs: where a sum lies between two of their steps, its rounding to the other one goes on to the end. */
const INT8_TOLERANCE = 8;
/** PSNR in dB that a result averaged down must reach against its input. Upscalers reach 30 and more. */
const LEAST_FIDELITY = 20;

/**
 * Runs one frame on the CPU, in this thread, with the graph as written: no optimiser, one thread. An int8 graph is one of
 * floats then, rounded at the same places.
 */
export async function referenceFrame(
  model: Model,
  layout: FrameLayout,
  frame: ArrayBuffer,
  precision: ModelVariant['precision'],
): Promise<Uint8Array> {
  const { format, width, height } = layout;
  const variant = chooseVariant(model, format, 'cpu', precision);
  const engine = await Engine.create({
    ...{ file: variant.file, contract: variant.contract, format, provider: 'cpu', width, height },
    ...{ scale: model.scale, threads: 1, tile: undefined, asWritten: true },
  });
  return new Uint8Array(await engine.run(frame.slice(0, layout.bytes), 1));
}

/** Largest difference of two frames of 8-bit samples, in levels. */
export function maxDifference(a: Uint8Array, b: Uint8Array): number {
  let most = 0;
  for (let i = 0; i < a.length; i += 1) most = Math.max(most, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
  return most;
}

/**
 * PSNR in dB between an 8-bit frame and its enlargement averaged down by `scale`, over the first plane (luma, or RGB):
 * no true enlargement is far from its own source, whatever its model.
 */
export function fidelity(input: Uint8Array, layout: FrameLayout, output: Uint8Array, scale: number): number {
  const [plane] = layout.planes;
  if (!plane) return Number.NaN;
  const { pixelBytes, stride, rows } = plane;
  let squares = 0;
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < stride; x += 1) {
      const left = Math.floor(x / pixelBytes) * scale * pixelBytes + (x % pixelBytes);
      let sum = 0;
      for (let dy = 0; dy < scale; dy += 1) {
        const row = (y * scale + dy) * stride * scale + left;
        for (let dx = 0; dx < scale; dx += 1) sum += output[row + dx * pixelBytes] ?? 0;
      }
      squares += (sum / scale ** 2 - (input[y * stride + x] ?? 0)) ** 2;
    }
  }
  const mean = squares / (rows * stride);
  return mean === 0 ? 99 : Math.min(99, 10 * Math.log10(255 ** 2 / mean));
}

/**
 * Checks a device's picture of the first frame.
 *
 * @param precision of the graph that ran
 * @param compare also run the graph on the CPU as written, and compare
 */
export async function checkResult(
  model: Model,
  precision: ModelVariant['precision'],
  layout: FrameLayout,
  frame: ArrayBuffer,
  result: ArrayBuffer,
  compare: boolean,
): Promise<ResultCheck | null> {
  if (sampleBytes(layout.format) !== 1) return null;
  const outputBytes = layout.bytes * model.scale ** 2;
  const output = new Uint8Array(result, 0, outputBytes);
  const fidelityDb = fidelity(new Uint8Array(frame, 0, layout.bytes), layout, output, model.scale);
  const difference = compare ? maxDifference(output, await referenceFrame(model, layout, frame, precision)) : null;
  const tolerance = precision === 'int8' ? INT8_TOLERANCE : TOLERANCE;
  const ok = fidelityDb >= LEAST_FIDELITY && (difference ?? 0) <= tolerance;
  return { ok, maxDifference: difference, fidelityDb };
}
