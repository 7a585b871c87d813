import { defer, type OperatorFunction } from 'rxjs';
import type { Upscaler } from '../infer/types.js';
import type { FrameBatch } from '../shared/frame.js';
import { mapInOrder } from './map-in-order.js';
import { batchRunner, type UpscaledBatch, type UpscaleFramesOptions } from './run-batches.js';

/**
 * RxJS operator: upscales batches of frames, keeping `upscaler.concurrency` runs under way (double buffering: one in
 * the session, one being filled or written) and their order. Errors are those of {@link Upscaler.upscale}, and come out
 * of the Observable, whatever they are about.
 *
 * RxJS pushes: batches that come faster than they are upscaled are all kept until it is their turn, and results come
 * whether or not the last one was used. A source has to hold back by itself, as with a fixed number of buffers that
 * come back with the results; {@link upscaleBatches} pulls.
 */
export function upscaleFrames(
  upscaler: Upscaler,
  options: UpscaleFramesOptions = {},
): OperatorFunction<FrameBatch, UpscaledBatch> {
  // The worker serves calls in order, and a repeat ends after what it repeats: results come in order too.
  return (source) => defer(() => source.pipe(mapInOrder(batchRunner(upscaler, options), upscaler.concurrency)));
}
