import { totalmem } from 'node:os';
import type { Model } from './types.js';

/** Share of the machine's memory that one run of a session may take. */
const SHARE = 0.25;
/** Bytes a run takes for an input pixel: some feature maps and the enlarged float picture, by size of the model. */
const SMALL_MODEL_BYTES = 1200;
const UNKNOWN_MODEL_BYTES = 5000;
/** Above this many multiply-accumulates a pixel a model counts as unknown. */
const SMALL_MACS = 100_000;

/** Memory this process may use, in bytes: the machine's, or its container's. */
export function usableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/** Estimated bytes of one run over `pixels` input pixels. */
export function runBytes(model: Model, pixels: number): number {
  const small = (model.macsPerLrPixel ?? Number.POSITIVE_INFINITY) <= SMALL_MACS;
  return pixels * (small ? SMALL_MODEL_BYTES : UNKNOWN_MODEL_BYTES);
}

/** Largest tile side whose run fits the memory; undefined when whole frames do. */
export function tileForMemory(model: Model, width: number, height: number): number | undefined {
  const budget = usableMemory() * SHARE;
  if (runBytes(model, width * height) <= budget) return undefined;
  return [1024, 768, 512, 384, 256, 192].find((side) => runBytes(model, side * side) <= budget) ?? 128;
}
