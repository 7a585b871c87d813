import { FrameSource } from '../decode/frame-source.js';
import { FrameSink } from '../encode/frame-sink.js';
import type { Upscaler } from '../infer/types.js';
import { openUpscaler } from '../infer/upscaler.js';
import type { InferenceThread } from '../infer/worker-session.js';
import type { ClosingStack } from '../shared/closing-stack.js';
import { throwIfStopped } from '../shared/stopped.js';
import { FramePool } from './frame-pool.js';
import type { UpscaleOptions } from './options.js';
import type { VideoPlan } from './plan.js';

/** Buffers beyond those in the upscaler: one being filled, one being written. */
const ENDS = 2;

/** Where frames go. */
export type LineSink = Pick<FrameSink, 'write' | 'finish' | 'close' | 'damage'>;

/** How the two ends of a line are opened. */
export interface LineEnds<S extends LineSink> {
  source(): Promise<FrameSource>;
  sink(source: FrameSource): S;
}

/**
 * The usual ends: the video from its first frame to its last, into one encoder.
 *
 * @param target path the encoder writes, or `pipe:1`
 */
export function wholeVideo({ decode, encode }: VideoPlan, target: string): LineEnds<FrameSink> {
  return { source: () => FrameSource.open(decode), sink: () => new FrameSink(encode, target) };
}

/** The parts of a line, open. */
export interface OpenLine<S extends LineSink> {
  readonly source: FrameSource;
  readonly upscaler: Upscaler;
  readonly sink: S;
  readonly pool: FramePool;
}

/**
 * Opens the parts of a planned line.
 *
 * @param owned closes the parts
 * @param thread started while the source was looked at; undefined: one is started here
 * @throws TinySRError
 */
export async function openLine<S extends LineSink>(
  plan: VideoPlan,
  options: Pick<UpscaleOptions, 'device' | 'precision' | 'batch' | 'tile' | 'threads' | 'signal'>,
  ends: LineEnds<S>,
  owned: ClosingStack,
  thread?: InferenceThread,
): Promise<OpenLine<S>> {
  const { model, decode } = plan;
  const { device = 'auto', precision, batch, tile, threads, signal } = options;
  // Decoder and encoder start while the session opens, so that the first frame waits for nobody.
  const source = owned.use(await ends.source(), (opened) => opened.close());
  const sink = owned.use(ends.sink(source), (opened) => opened.close());
  const { format, width, height } = decode;
  const upscaler = owned.use(
    await openUpscaler(
      { model, device, precision, format, width, height, batch, tile, threads, parallel: true, signal },
      thread,
    ),
    (opened) => opened.close(),
  );
  throwIfStopped(signal);
  const pool = owned.use(new FramePool(upscaler.concurrency + ENDS, upscaler.batch * upscaler.input.bytes), (opened) =>
    opened.close(),
  );
  return { source, upscaler, sink, pool };
}
