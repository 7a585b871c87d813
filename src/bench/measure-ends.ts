import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { FrameSource } from '../decode/frame-source.js';
import { FrameSink } from '../encode/frame-sink.js';
import type { VideoPlan } from '../pipeline/plan.js';
import type { FrameLayout } from '../shared/layout.js';
import { LEAST_ENCODED } from './cost.js';
import { cpuSecondsSince, cpuTime } from './cpu-time.js';
import type { CellRequest, StageRate } from './types.js';

function rate(frames: number, started: number, cpu: number | null): StageRate {
  return {
    fps: (frames * 1000) / (performance.now() - started),
    cpuSecondsPerFrame: cpu === null ? null : cpu / frames,
  };
}

/** Decodes the clip to raw frames that nobody looks at. */
export async function measureDecode(plan: VideoPlan, frames: number): Promise<StageRate> {
  const clock = cpuTime();
  const started = performance.now();
  const source = await FrameSource.open({ ...plan.decode, frames });
  try {
    const buffer = new ArrayBuffer(source.layout.bytes);
    const credit = { acquire: () => Promise.resolve(buffer), release: () => undefined };
    for await (const _ of source.batches(1, credit));
    await source.close();
    return rate(source.frames, started, cpuSecondsSince(clock));
  } finally {
    await source.close();
  }
}

/** A frame moved up by some rows, the upper ones coming in from below: motion from a single picture. */
function panned(frame: ArrayBuffer, layout: FrameLayout, rows: number): ArrayBuffer {
  const from = new Uint8Array(frame);
  const into = new Uint8Array(layout.bytes);
  for (const plane of layout.planes) {
    const at = plane.offset + plane.stride * ((rows >> plane.shift) % plane.rows);
    const end = plane.offset + plane.stride * plane.rows;
    into.set(from.subarray(at, end), plane.offset);
    into.set(from.subarray(plane.offset, at), plane.offset + end - at);
  }
  return into.buffer;
}

/** A cycle of pictures to encode in which motion never jumps, unless the clip itself begins anew there. */
function cycle(outputs: readonly ArrayBuffer[], layout: FrameLayout, wraps: boolean): readonly ArrayBuffer[] {
  const [only] = outputs;
  if (outputs.length === 1 && only) return Array.from({ length: 16 }, (_, index) => panned(only, layout, 8 * index));
  return wraps ? outputs : [...outputs, ...outputs.slice(1, -1).reverse()];
}

/** Encodes upscaled frames for about `seconds`. */
export async function measureEncode(
  plan: VideoPlan,
  outputs: readonly ArrayBuffer[],
  { scratch, seconds, wraps }: Pick<CellRequest, 'scratch' | 'seconds' | 'wraps'>,
): Promise<StageRate> {
  const target = join(scratch, `encode-${process.pid}.mp4`);
  const pictures = cycle(outputs, plan.encode.frame, wraps);
  const clock = cpuTime();
  const started = performance.now();
  const sink = new FrameSink(plan.encode, target);
  try {
    let frames = 0;
    while (frames < LEAST_ENCODED || performance.now() - started < seconds * 1000) {
      const next = pictures[frames % pictures.length];
      if (!next) break;
      await sink.write([new Uint8Array(next)], [(BigInt(frames) * 1_000_000_000n) / 30n]);
      frames += 1;
    }
    await sink.finish();
    return rate(frames, started, cpuSecondsSince(clock));
  } finally {
    await sink.close();
    await rm(target, { force: true });
  }
}
