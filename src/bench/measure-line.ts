import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Meter } from '../pipeline/meter.js';
import { openLine, wholeVideo } from '../pipeline/open-line.js';
import type { VideoPlan } from '../pipeline/plan.js';
import { runLine } from '../pipeline/run-line.js';
import { ClosingStack } from '../shared/closing-stack.js';
import { planCell } from './cell-plan.js';
import { cpuSecondsSince, cpuTime, ownPeakRss, peakRssOf } from './cpu-time.js';
import { measured } from './statistics.js';
import { Timeline } from './timeline.js';
import type { CellRequest, LineResult, TimelineEntry } from './types.js';

/** How often the ffmpeg processes' memory is looked at, in milliseconds. */
const LOOK_MS = 100;

interface Run {
  readonly frames: number;
  readonly fps: number;
  readonly cpuSecondsPerFrame: number | null;
  readonly ffmpegRssBytes: number;
  readonly firstFrameMs: number;
  readonly timeline: TimelineEntry[];
}

async function runOnce(request: CellRequest, plan: VideoPlan): Promise<Run> {
  const owned = new ClosingStack();
  const target = join(request.scratch, `line-${process.pid}.mp4`);
  const opening = performance.now();
  try {
    const { provider, batch, threads } = request;
    const open = await openLine(plan, { device: provider, batch, threads }, wholeVideo(plan, target), owned);
    const { upscaler, pool } = open;
    const rss = { decode: 0, encode: 0 };
    const look = () => {
      rss.decode = Math.max(rss.decode, peakRssOf(open.source.pid) ?? 0);
      rss.encode = Math.max(rss.encode, peakRssOf(open.sink.pid) ?? 0);
    };
    const looking = setInterval(look, LOOK_MS);
    owned.use(looking, clearInterval);
    const clock = cpuTime();
    const meter = new Meter(undefined);
    const timeline = new Timeline();
    let firstFrameMs = 0;
    await runLine({
      ...{ source: timeline.source(open.source), upscaler: timeline.upscaler(upscaler), pool, meter },
      ...{ sink: timeline.sink(open.sink), zeroNs: BigInt(Math.round(plan.encode.zero * 1e9)) },
      onWritten() {
        firstFrameMs ||= performance.now() - opening;
      },
    });
    look();
    await open.sink.finish();
    const { frames, seconds } = meter;
    await open.source.close();
    const cpu = cpuSecondsSince(clock);
    return {
      ...{ frames, fps: frames / seconds, cpuSecondsPerFrame: cpu === null ? null : cpu / frames },
      ...{ ffmpegRssBytes: rss.decode + rss.encode, firstFrameMs, timeline: timeline.middle() },
    };
  } finally {
    await owned.close();
    await rm(target, { force: true });
  }
}

/** Measures the whole line, some times over. */
export async function measureLine(request: CellRequest): Promise<LineResult> {
  const plan = await planCell(request);
  const limited: VideoPlan = { ...plan, decode: { ...plan.decode, frames: request.frames } };
  const runs: Run[] = [];
  for (let i = 0; i < request.repeats; i += 1) runs.push(await runOnce(request, limited));
  const [first] = runs;
  if (!first) throw new RangeError('repeats must be at least 1');
  const cpu = runs.map((run) => run.cpuSecondsPerFrame).filter((seconds) => seconds !== null);
  return {
    frames: first.frames,
    fps: measured(runs.map((run) => run.fps)),
    cpuSecondsPerFrame: cpu.length ? cpu.reduce((sum, seconds) => sum + seconds, 0) / cpu.length : null,
    peakRssBytes: ownPeakRss() + Math.max(...runs.map((run) => run.ffmpegRssBytes)),
    firstFrameMs: first.firstFrameMs,
    timeline: runs.at(-1)?.timeline ?? [],
  };
}
