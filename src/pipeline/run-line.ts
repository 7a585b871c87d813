import { lastValueFrom, Observable } from 'rxjs';
import type { FrameSource } from '../decode/frame-source.js';
import type { FrameSink } from '../encode/frame-sink.js';
import type { Upscaler } from '../infer/types.js';
import type { FrameBatch } from '../shared/frame.js';
import type { FramePool } from './frame-pool.js';
import { freeBuffer } from './free-buffer.js';
import { mapInOrder } from './map-in-order.js';
import type { Meter } from './meter.js';
import type { UpscaledBatch } from './run-batches.js';
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

/** The batches of the source, counting how long the decoder was waited for; time spent waiting for a buffer is not its. */
function timedBatches({ source, upscaler, pool, meter }: Line): Observable<FrameBatch> {
  return new Observable((subscriber) => {
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
    const read = async () => {
      const batches = source.batches(upscaler.batch, credit);
      while (!subscriber.closed) {
        waitedForPool = 0;
        const started = performance.now();
        const { value, done } = await batches.next();
        meter.add('decode', performance.now() - started - waitedForPool);
        if (done) subscriber.complete();
        else subscriber.next(value);
      }
    };
    read().catch((error: unknown) => subscriber.error(error));
  });
}

/** Writes batches, one after the other, and gives their buffers back. */
function writer({ upscaler, sink, pool, meter, zeroNs, onWritten }: Line): (batch: UpscaledBatch) => Promise<void> {
  let written: ArrayBuffer | undefined;
  return async ({ source, output, frames, runMs }) => {
    meter.add('infer', runMs / upscaler.sessions);
    const ptsNs = source.ptsNs.map((pts) => pts - zeroNs);
    const started = performance.now();
    await sink.write(frames, ptsNs);
    meter.add('encode', performance.now() - started);
    meter.written(ptsNs);
    pool.release(source.buffer);
    // The next batch may begin with a repeat of this one's last frame: an output is kept until another has been written.
    if (written && written !== output) freeBuffer(written);
    written = output;
    onWritten();
  };
}

/** Runs the line from the first frame to the last: source -> upscaler -> sink. */
export async function runLine(line: Line): Promise<void> {
  const frames = timedBatches(line).pipe(upscaleFrames(line.upscaler, { reuse: true }), mapInOrder(writer(line), 1));
  await lastValueFrom(frames, { defaultValue: undefined });
}
