import { z } from 'zod';
import { checkFrames, checkUpscaler } from '../infer/check-upscaler.js';
import type { Upscaler } from '../infer/types.js';
import { checkOptions, requireObject } from '../shared/check-options.js';
import type { FrameBatch } from '../shared/frame.js';
import { RepeatDetector } from './repeat-detector.js';

/** A batch with its upscaled frames. */
export interface UpscaledBatch {
  /**
   * The batch as it came; its buffer is whole again and belongs to the holder. With `reuse` the buffer no longer holds
   * every frame.
   */
  readonly source: FrameBatch;
  /** What the session gave: upscaled pictures, packed, in the upscaler's output layout. */
  readonly output: ArrayBuffer;
  /**
   * Each frame's bytes, in order. They lie in `output`; with `reuse`, frames that repeat the last one of the batch before
   * lie in that one's.
   */
  readonly frames: readonly Uint8Array[];
  /** Milliseconds the session ran; 0 when all results were reused. */
  readonly runMs: number;
}

/** How batches of frames are upscaled. */
export interface UpscaleFramesOptions {
  /**
   * A frame that equals the one before byte for byte is not run again but given the same result: an `output` must then
   * not be changed or transferred before a batch with a different one has come and been used. Default false.
   */
  readonly reuse?: boolean;
}

const OPTIONS = z.object({ reuse: z.boolean().optional() });

/**
 * Gives what upscales a batch. It may be called again before a batch is done; results come in the order of the calls.
 * It rejects as {@link Upscaler.upscale} does.
 *
 * @throws TinySRError `TSR_USAGE` for what is no upscaler, and for options out of place
 */
export function batchRunner(
  upscaler: Upscaler,
  options: UpscaleFramesOptions = {},
): (batch: FrameBatch) => Promise<UpscaledBatch> {
  checkUpscaler(upscaler);
  checkOptions(OPTIONS, options, '{ reuse: true }');
  const { reuse = false } = options;
  const { bytes } = upscaler.output;
  const repeats = reuse ? new RepeatDetector(upscaler.input.bytes) : undefined;
  let last: Promise<UpscaledBatch> | undefined;
  const run = async (batch: FrameBatch, before: Promise<UpscaledBatch> | undefined): Promise<UpscaledBatch> => {
    requireObject(batch, 'a batch of frames', 'Give { buffer, count, ptsNs, first } for each.');
    checkFrames(batch.buffer, batch.count, upscaler.batch, upscaler.input);
    // Until here nothing was waited for: repeats are looked for in the order of the calls.
    const pictures = repeats?.distinct(new Uint8Array(batch.buffer, 0, batch.count * upscaler.input.bytes));
    const count = pictures ? (pictures.at(-1) ?? -1) + 1 : batch.count;
    const result = count > 0 ? await upscaler.upscale(batch.buffer, count) : undefined;
    const shown = pictures ?? Array.from({ length: count }, (_, index) => index);
    // The batch before has its result by now, or its failure has ended everything.
    const earlier = (shown[0] ?? 0) < 0 ? await before : undefined;
    const held = earlier?.frames.at(-1);
    const output = result?.output ?? earlier?.output;
    if (!output) throw new Error('a first frame that repeats none before');
    const frames = shown.map((picture) =>
      picture < 0 && held ? held : new Uint8Array(output, picture * bytes, bytes),
    );
    const source = result ? { ...batch, buffer: result.input } : batch;
    return { source, output, frames, runMs: result?.runMs ?? 0 };
  };
  return (batch) => {
    last = run(batch, last);
    return last;
  };
}
