import type { OperatorFunction } from 'rxjs';
import type { Upscaler } from '../infer/types.js';
import type { FrameBatch } from '../shared/frame.js';
import { mapInOrder } from './map-in-order.js';
import { RepeatDetector } from './repeat-detector.js';

/** A batch with its upscaled frames. */
export interface UpscaledBatch {
  /** The batch as it came; its buffer is whole again and belongs to the holder. */
  readonly source: FrameBatch;
  /** Upscaled frames, packed, in the upscaler's output layout. */
  readonly output: ArrayBuffer;
  /** Milliseconds the session ran; 0 when the result before was reused. */
  readonly runMs: number;
}

/** How {@link upscaleFrames} works. */
export interface UpscaleFramesOptions {
  /**
   * A batch that equals the one before byte for byte is not run again: it gets the same `output` buffer, which must
   * then not be changed or transferred before a different one has come. Default false.
   */
  readonly reuse?: boolean;
}

/**
 * RxJS operator: upscales batches of frames, keeping `upscaler.concurrency` runs under way (double buffering: one in
 * the session, one being filled or written) and their order.
 */
export function upscaleFrames(
  upscaler: Upscaler,
  { reuse = false }: UpscaleFramesOptions = {},
): OperatorFunction<FrameBatch, UpscaledBatch> {
  const repeats = reuse ? new RepeatDetector(upscaler.batch * upscaler.input.bytes) : undefined;
  let before: Promise<UpscaledBatch> | undefined;
  const run = async (batch: FrameBatch): Promise<UpscaledBatch> => {
    const { output, input, runMs } = await upscaler.upscale(batch.buffer, batch.count);
    return { source: { ...batch, buffer: input }, output, runMs };
  };
  const repeat = async (batch: FrameBatch, same: Promise<UpscaledBatch>): Promise<UpscaledBatch> => {
    const { output } = await same;
    return { source: batch, output, runMs: 0 };
  };
  // The worker serves calls in order, and a repeat ends after what it repeats: results come in order too.
  return mapInOrder((batch) => {
    const frames = new Uint8Array(batch.buffer, 0, batch.count * upscaler.input.bytes);
    const result = repeats?.isRepeat(frames) && before ? repeat(batch, before) : run(batch);
    before = result;
    return result;
  }, upscaler.concurrency);
}
