import { mergeMap, type OperatorFunction } from 'rxjs';
import type { Upscaler } from '../infer/types.js';
import type { FrameBatch } from '../shared/frame.js';

/** A batch with its upscaled frames. */
export interface UpscaledBatch {
  /** The batch as it came; its buffer is whole again and belongs to the holder. */
  readonly source: FrameBatch;
  /** Upscaled frames, packed, in the upscaler's output layout. */
  readonly output: ArrayBuffer;
  /** Milliseconds the session ran. */
  readonly runMs: number;
}

/**
 * RxJS operator: upscales batches of frames, keeping `upscaler.concurrency` runs under way (double buffering: one in
 * the session, one being filled or written) and their order.
 */
export function upscaleFrames(upscaler: Upscaler): OperatorFunction<FrameBatch, UpscaledBatch> {
  // The worker serves calls in order, so results of a mergeMap come in order too.
  return mergeMap(async (batch) => {
    const { output, input, runMs } = await upscaler.upscale(batch.buffer, batch.count);
    return { source: { ...batch, buffer: input }, output, runMs };
  }, upscaler.concurrency);
}
