import type { Upscaler } from '../infer/types.js';
import { kindOf } from '../shared/check-options.js';
import { TinySRError } from '../shared/errors.js';
import type { FrameBatch } from '../shared/frame.js';
import { batchRunner, type UpscaledBatch, type UpscaleFramesOptions } from './run-batches.js';

/** Batches of frames, made or read as they are asked for. */
export type BatchSource = AsyncIterable<FrameBatch> | Iterable<FrameBatch>;

/** The iterator of a source. @throws TinySRError `TSR_USAGE` when it has none */
function iteratorOf(batches: BatchSource): AsyncIterator<FrameBatch> | Iterator<FrameBatch> {
  const source: Partial<AsyncIterable<FrameBatch> & Iterable<FrameBatch>> = Object(batches);
  const iterator = source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]?.();
  if (iterator) return iterator;
  throw new TinySRError('TSR_USAGE', `the batches: expected an iterable, received ${kindOf(batches)}`, {
    hint: 'Give an array, or call the generator: upscaleBatches(upscaler, batches()).',
  });
}

/** What a source gave; undefined for a batch is an error of the source, and no end. */
interface Pulled {
  readonly batch: FrameBatch;
}

/** Asks a source for one batch after the other, also when it is asked again before it has answered. */
class Puller {
  readonly #source: AsyncIterator<FrameBatch> | Iterator<FrameBatch>;
  #last: Promise<Pulled | undefined> = Promise.resolve(undefined);
  /** The source is at work on a batch. */
  #asked = false;
  /** Nothing more is to be asked for. */
  #ended = false;

  constructor(batches: BatchSource) {
    this.#source = iteratorOf(batches);
  }

  /** The next batch; undefined once there is none any more. Rejects with the source's error, now and later. */
  next(): Promise<Pulled | undefined> {
    this.#last = this.#last.then(() => this.#ask());
    return this.#last;
  }

  async #ask(): Promise<Pulled | undefined> {
    if (this.#ended) return undefined;
    this.#asked = true;
    try {
      const { done, value } = await this.#source.next();
      // Asked to end meanwhile, nobody is there any more who would take it.
      if (!done && !this.#ended) return { batch: value };
    } catch (error) {
      this.#ended = true;
      throw error;
    } finally {
      this.#asked = false;
    }
    this.#ended = true;
    return undefined;
  }

  /** Tells a source that has more that no more is asked for, and waits until it has cleaned up. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const returned = Promise.resolve(this.#source.return?.());
    // At work, it cleans up after that, which may be never: it may wait for a buffer of the reader that has gone.
    if (this.#asked) returned.catch(() => undefined);
    else await returned;
  }
}

/**
 * Upscales batches of frames: the results are pulled, and pull the batches. Of a source are asked for no more than run
 * (`upscaler.concurrency`) beyond those whose results were taken: a slow reader slows the source, and memory is bounded
 * by what they hold.
 *
 * A reader that ends early ends the source (`return`); runs that were begun end by themselves.
 *
 * @returns results in the order of the batches
 * @throws TinySRError those of {@link Upscaler.upscale}, `TSR_USAGE` for what is no upscaler or no source; and whatever the source throws, in its place
 * @example
 * for await (const { frames } of upscaleBatches(upscaler, batches())) await write(frames);
 */
export async function* upscaleBatches(
  upscaler: Upscaler,
  batches: BatchSource,
  options: UpscaleFramesOptions = {},
): AsyncGenerator<UpscaledBatch, void, undefined> {
  const run = batchRunner(upscaler, options);
  const puller = new Puller(batches);
  const begin = () => {
    const result = puller.next().then((pulled) => pulled && run(pulled.batch));
    // It may fail before its turn to be told of.
    result.catch(() => undefined);
    return result;
  };
  try {
    const underWay = Array.from({ length: upscaler.concurrency }, begin);
    for (;;) {
      const result = await underWay.shift();
      if (!result) return;
      underWay.push(begin());
      yield result;
    }
  } finally {
    await puller.close();
  }
}
