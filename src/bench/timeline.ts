import { performance } from 'node:perf_hooks';
import type { BufferCredit } from '../decode/frame-source.js';
import type { Upscaler } from '../infer/types.js';
import type { Stage } from '../pipeline/progress.js';
import type { Line } from '../pipeline/run-line.js';
import type { FrameBatch } from '../shared/frame.js';
import type { TimelineEntry } from './types.js';

/** Batches shown of a run. */
const SHOWN = 10;

/** Notes when each batch was read, run and written, by standing between the parts of a line. */
export class Timeline {
  readonly #entries: TimelineEntry[] = [];
  readonly #started = performance.now();

  #note(stage: Stage, batch: number, from: number, to: number): void {
    this.#entries.push({ stage, batch, fromMs: from - this.#started, toMs: to - this.#started });
  }

  /** A source whose reads are noted, from the moment a buffer was there for them. */
  source(source: Line['source']): Line['source'] {
    const note = this.#note.bind(this);
    return {
      async *batches(size: number, credit: BufferCredit): AsyncGenerator<FrameBatch, void, undefined> {
        let from = performance.now();
        const watched: BufferCredit = {
          async acquire() {
            const buffer = await credit.acquire();
            from = performance.now();
            return buffer;
          },
          release: (buffer) => credit.release(buffer),
        };
        let number = 0;
        for await (const batch of source.batches(size, watched)) {
          note('decode', number, from, performance.now());
          number += 1;
          yield batch;
        }
      },
    };
  }

  /** An upscaler whose runs are noted. */
  upscaler(upscaler: Upscaler): Upscaler {
    let number = 0;
    return {
      ...upscaler,
      upscale: async (frames, count) => {
        const batch = number;
        number += 1;
        const result = await upscaler.upscale(frames, count);
        const now = performance.now();
        this.#note('infer', batch, now - result.runMs, now);
        return result;
      },
    };
  }

  /** A sink whose writes are noted. */
  sink(sink: Line['sink']): Line['sink'] {
    let number = 0;
    return {
      write: async (frames, ptsNs) => {
        const from = performance.now();
        await sink.write(frames, ptsNs);
        this.#note('encode', number, from, performance.now());
        number += 1;
      },
    };
  }

  /** The batches in the middle of the run, in milliseconds from its start. */
  middle(): TimelineEntry[] {
    const batches = 1 + Math.max(-1, ...this.#entries.map(({ batch }) => batch));
    const first = Math.max(0, (batches - SHOWN) >> 1);
    return this.#entries.filter(({ batch }) => batch >= first && batch < first + SHOWN);
  }
}
