import { performance } from 'node:perf_hooks';
import type { Upscaler } from '../infer/types.js';
import { createUpscaler } from '../infer/upscaler.js';
import type { VideoPlan } from '../pipeline/plan.js';
import { readBatches } from './cell-plan.js';
import { LEAST_PICTURES, LEAST_REPEATS } from './cost.js';
import { ownPeakRss } from './cpu-time.js';
import { gpuMemoryUsed } from './machine.js';
import { checkResult } from './reference.js';
import { type Measured, measured, percentile } from './statistics.js';
import type { CellRequest, InferRow } from './types.js';

/** Bytes of upscaled frames that are kept for the encoder. */
const OUTPUT_BYTES = 320 << 20;
/** Repeats; fewer when runs are long. */
const REPEATS = 5;
/** Seconds of runs that do not count: caches and clocks settle. */
const WARM_UP_SECONDS = 0.2;
/** Latencies kept for the histogram. */
const MOST_SAMPLES = 400;

interface Span {
  readonly runs: number;
  readonly seconds: number;
  readonly latencies: readonly number[];
}

/** Keeps as many batches under way as the line does, for a while. */
async function runFor(upscaler: Upscaler, buffers: ArrayBuffer[], seconds: number): Promise<Span> {
  const latencies: number[] = [];
  let begun = 0;
  const started = performance.now();
  const lane = async () => {
    while (performance.now() - started < seconds * 1000) {
      const slot = begun % buffers.length;
      begun += 1;
      const buffer = buffers[slot];
      if (!buffer) return;
      const { input, runMs } = await upscaler.upscale(buffer, upscaler.batch);
      buffers[slot] = input;
      latencies.push(runMs);
    }
  };
  await Promise.all(Array.from({ length: Math.min(upscaler.concurrency, buffers.length) }, lane));
  return { runs: latencies.length, seconds: (performance.now() - started) / 1000, latencies };
}

/** Upscaled frames for the encoder, in one buffer each: all of them, or as many as some seconds give. */
async function collect(
  upscaler: Upscaler,
  buffers: ArrayBuffer[],
  first: ArrayBuffer,
  seconds: number,
): Promise<ArrayBuffer[]> {
  const started = performance.now();
  const { bytes } = upscaler.output;
  const outputs: ArrayBuffer[] = [first];
  const room = Math.max(2, Math.floor(OUTPUT_BYTES / bytes));
  for (const [slot, buffer] of buffers.entries()) {
    if (slot === 0) continue;
    if (outputs.length * upscaler.batch >= room) break;
    if (outputs.length * upscaler.batch >= LEAST_PICTURES && performance.now() - started > seconds * 1000) break;
    const { input, output } = await upscaler.upscale(buffer, upscaler.batch);
    buffers[slot] = input;
    outputs.push(output);
  }
  const frames = (packed: ArrayBuffer) =>
    Array.from({ length: upscaler.batch }, (_, i) => packed.slice(i * bytes, (i + 1) * bytes));
  return upscaler.batch === 1 ? outputs : outputs.flatMap(frames);
}

/** Inference alone, and upscaled frames to go on with. */
export interface InferMeasurement {
  readonly row: InferRow;
  /** Upscaled frames in order; one only when a run takes long. */
  readonly outputs: readonly ArrayBuffer[];
  /** Milliseconds that comparing the result with the graph as written took. */
  readonly checkMs: number;
}

const whole = (fps: number): Measured => measured([fps]);

/** Measures inference by itself: opening, first run, steady state, correctness, memory. */
export async function measureInfer(request: CellRequest, plan: VideoPlan): Promise<InferMeasurement> {
  const { model, provider, size, seconds, longRunMs, threads, batch, wraps } = request;
  const { format, width, height } = plan.decode;
  const memoryBefore = provider === 'cpu' ? null : await gpuMemoryUsed();
  const opening = performance.now();
  const upscaler = await createUpscaler({
    ...{ model, device: provider, format, width, height, batch, threads },
    // As in the line.
    parallel: true,
  });
  const openMs = performance.now() - opening;
  try {
    const buffers = await readBatches(plan, request.pictures, upscaler.batch);
    const [source] = buffers;
    if (!source) throw new Error('the clip has no frames');
    const frame = source.slice(0, upscaler.input.bytes);
    const running = performance.now();
    const first = await upscaler.upscale(source, upscaler.batch);
    const firstRunMs = performance.now() - running;
    // Devices compile in the first run, which would make any graph look long.
    const single = provider === 'cpu' ? first : await upscaler.upscale(first.input, upscaler.batch);
    buffers[0] = single.input;
    const long = longRunMs !== null && single.runMs > longRunMs;
    const { sessions, concurrency } = upscaler;
    let fps = whole((sessions * upscaler.batch * 1000) / single.runMs);
    let latencies: readonly number[] = [single.runMs];
    let cpuSecondsPerFrame: number | null = null;
    if (!long) {
      const warm = await runFor(upscaler, buffers, WARM_UP_SECONDS);
      // A repeat is as many runs as are under way at a time, or more.
      const shortest = (concurrency * warm.seconds) / warm.runs;
      const repeats = shortest * REPEATS > seconds ? LEAST_REPEATS : REPEATS;
      const { user, system } = process.cpuUsage();
      const spans: Span[] = [];
      for (let i = 0; i < repeats; i += 1) spans.push(await runFor(upscaler, buffers, seconds / repeats));
      const used = process.cpuUsage({ user, system });
      const runs = spans.reduce((sum, span) => sum + span.runs, 0);
      cpuSecondsPerFrame = (used.user + used.system) / 1e6 / (runs * upscaler.batch);
      fps = measured(spans.map((span) => (span.runs * upscaler.batch) / span.seconds));
      latencies = spans.flatMap((span) => span.latencies);
    } else if (provider === 'cpu') {
      cpuSecondsPerFrame = ((single.runMs / 1000 / upscaler.batch) * (threads ?? 1)) / sessions;
    }
    const peakRssBytes = ownPeakRss();
    const memoryAfter = provider === 'cpu' ? null : await gpuMemoryUsed();
    const checking = performance.now();
    const compare = !long || provider !== 'cpu';
    const check = await checkResult(model, upscaler.precision, upscaler.input, frame, first.output, compare);
    const checkMs = long ? 0 : performance.now() - checking;
    const row: InferRow = {
      ...{ model: model.name, provider, size, error: null, basis: long ? 'one-frame' : 'measured', format },
      ...{ outputWidth: upscaler.output.width, outputHeight: upscaler.output.height },
      ...{ batch: upscaler.batch, tile: upscaler.tile ?? null, threads: threads ?? 0, sessions, fps },
      latencyMs: {
        p50: percentile(latencies, 0.5),
        p95: percentile(latencies, 0.95),
        p99: percentile(latencies, 0.99),
        samples: latencies.slice(0, MOST_SAMPLES).map((ms) => Math.round(ms * 100) / 100),
      },
      ...{ openMs, firstRunMs, cpuSecondsPerFrame, peakRssBytes },
      deviceMemoryBytes: memoryBefore === null || memoryAfter === null ? null : Math.max(0, memoryAfter - memoryBefore),
      // onnxruntime-node copies inside a run and does not tell for how long.
      ...{ uploadMs: null, downloadMs: null, check },
    };
    // A clip that begins anew goes on where it ends only when all of its pictures are there.
    const collecting = wraps ? Number.POSITIVE_INFINITY : seconds / 2;
    return {
      row,
      outputs: long ? [first.output] : await collect(upscaler, buffers, first.output, collecting),
      checkMs,
    };
  } finally {
    await upscaler.close();
  }
}
