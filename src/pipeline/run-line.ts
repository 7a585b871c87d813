import { concatMap, from, lastValueFrom } from 'rxjs';
import type { FrameSource } from '../decode/frame-source.js';
import type { FrameSink } from '../encode/frame-sink.js';
import type { Upscaler } from '../infer/types.js';
import type { FrameBatch } from '../shared/frame.js';
import type { FramePool } from './frame-pool.js';
import { freeBuffer } from './free-buffer.js';
import type { Meter } from './meter.js';
import { upscaleFrames } from './upscale-frames.js';

/** The parts of a line, open and owned by the caller. Whoever watches a line (the benchmark) passes parts that tell. */
export interface Line {
  readonly source: Pick<FrameSource, 'batches'>;
  readonly upscaler: Upscaler;
  readonly sink: Pick<FrameSink, 'write'>;
  readonly pool: FramePool;
  readonly meter: Meter;
  /** Nanoseconds of the source's clock that become zero. */
  readonly zeroNs: bigint;
  /** Called after each batch was written. */
  onWritten(): void;
}

/** Reads batches and counts how long the decoder was waited for; time spent waiting for a buffer is not its. */
async function* timedBatches({ source, upscaler, pool, meter }: Line): AsyncGenerator<FrameBatch, void, undefined> {
  let waitedForPool = 0;
  const credit = {
    async acquire() {
      const started = performance.now();
      const buffer = await pool.acquire();
      waitedForPool += performance.now() - started;
      return buffer;
    },
    release: (buffer: ArrayBuffer) => pool.release(buffer),
  };
  const batches = source.batches(upscaler.batch, credit);
  for (;;) {
    waitedForPool = 0;
    const started = performance.now();
    const { value, done } = await batches.next();
    meter.add('decode', performance.now() - started - waitedForPool);
    if (done) return;
    yield value;
  }
}

/** Runs the line from the first frame to the last: source -> upscaler -> sink. */
export async function runLine(line: Line): Promise<void> {
  const { upscaler, sink, pool, meter, zeroNs } = line;
  let written: ArrayBuffer | undefined;
  const frames = from(timedBatches(line)).pipe(
    upscaleFrames(upscaler, { reuse: true }),
    concatMap(async ({ source, output, runMs }) => {
      meter.add('infer', runMs);
      const ptsNs = source.ptsNs.map((pts) => pts - zeroNs);
      await meter.time('encode', sink.write(output, ptsNs));
      meter.written(ptsNs);
      pool.release(source.buffer);
      // A repeated frame comes with the output of the one before, which is kept until another has come.
      if (written && written !== output) freeBuffer(written);
      written = output;
      line.onWritten();
    }),
  );
  await lastValueFrom(frames, { defaultValue: undefined });
}
