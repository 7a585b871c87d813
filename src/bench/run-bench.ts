import { performance } from 'node:perf_hooks';
import { probe } from '../decode/probe.js';
import type { Provider } from '../infer/types.js';
import { scratchFolder } from '../pipeline/spool.js';
import { TinySRError, toTinySRError } from '../shared/errors.js';
import { allowedMs, EFFORTS, lineFrames } from './effort.js';
import { describeMachine, type Machine } from './machine.js';
import { ceilingFps, cpuSum, realTime, scaledInfer, scaledPipeline, slowestStage, stagesOf } from './predict.js';
import { runCell } from './run-cell.js';
import { type Candidate, selectDevices, selectModels } from './select.js';
import { NAMED_SIZES, pixels, QUICK_SIZES } from './sizes.js';
import { makeClip, makeMaster } from './source-clip.js';
import { measured } from './statistics.js';
import { runStreams, type StreamContext } from './stream/run-stream.js';
import type {
  BenchEvent,
  BenchOptions,
  BenchResult,
  BenchSize,
  CellRequest,
  InferRow,
  LineResult,
  PipelineRow,
  StagesResult,
} from './types.js';

/** Frames of a clip that are decoded when decoding is measured. */
const DECODED_FRAMES = 240;

/** Different frames that are run and encoded. */
const PICTURES = 24;

/** A clip of one size. */
interface Clip {
  readonly size: BenchSize;
  readonly path: string;
  readonly frames: number;
}

async function clips(options: BenchOptions, scratch: string, signal: AbortSignal): Promise<Clip[]> {
  const { input, mode } = options;
  if (input !== undefined) {
    const { video } = await probe(input, signal);
    const { width, height, frameCount = DECODED_FRAMES } = video;
    return [{ size: { name: `${width}x${height}`, width, height }, path: input, frames: frameCount }];
  }
  const sizes = [...(options.sizes ?? (mode === 'quick' ? QUICK_SIZES : NAMED_SIZES))];
  const master = await makeMaster(scratch, signal);
  const made: Clip[] = [];
  // Small sizes first: larger ones are scaled from them when they would take too long.
  for (const size of sizes.sort((a, b) => pixels(a) - pixels(b))) {
    made.push({ size, ...(await makeClip(master, size, scratch, signal)) });
  }
  return made;
}

function pipelineRow(stages: StagesResult, line: LineResult | string | undefined, machine: Machine): PipelineRow {
  const { infer, encoder } = stages;
  const rates = stagesOf(stages);
  const sum = cpuSum(rates);
  const slowest = slowestStage(rates);
  const sharesCpu = infer.provider === 'cpu';
  const done = typeof line === 'object' ? line : undefined;
  const fps = done?.fps ?? measured([ceilingFps(rates, sharesCpu ? machine.cores : Number.POSITIVE_INFINITY)]);
  const bySlowest = done ? done.fps.median / rates[slowest].fps : null;
  const byCpu = done && sum !== null ? (done.fps.median * sum) / machine.cores : null;
  const useCpu = sharesCpu && sum !== null;
  return {
    ...{
      model: infer.model,
      provider: infer.provider,
      size: infer.size,
      error: typeof line === 'string' ? line : null,
    },
    ...{ basis: done ? 'measured' : 'one-frame', format: infer.format, encoder },
    ...{ outputWidth: infer.outputWidth, outputHeight: infer.outputHeight, frames: done?.frames ?? 0, fps },
    ...{ stages: rates, slowest, cpuSecondsPerFrame: done?.cpuSecondsPerFrame ?? sum },
    overlapEfficiency: useCpu ? byCpu : bySlowest,
    efficiencyBasis: useCpu ? 'cpu' : 'slowest-stage',
    ...{ realTime: realTime(fps.median), peakRssBytes: done?.peakRssBytes ?? infer.peakRssBytes },
    ...{ firstFrameMs: done?.firstFrameMs ?? null, timeline: done?.timeline ?? [] },
  };
}

/** What a run finds, apart from when and where. */
type Found = Pick<BenchResult, 'devices' | 'models' | 'infer' | 'pipeline' | 'stream'>;

interface Context extends StreamContext {
  /** When the run began, on the clock of `performance.now()`. */
  readonly started: number;
}

/**
 * Measures one model on one provider at one size.
 *
 * @param alone nothing has been measured yet
 * @returns undefined when it failed, which was told
 */
async function measureCell(
  { options, effort, machine, scratch, signal, emit, started }: Context,
  { model }: Candidate,
  provider: Provider,
  { size, path, frames }: Clip,
  alone: boolean,
): Promise<{ infer: InferRow; pipeline: PipelineRow } | undefined> {
  const { seconds, longRunMs, repeats } = effort;
  const allowed = (found: boolean) => allowedMs(effort, performance.now() - started, found);
  const request: CellRequest = {
    ...{ what: 'stages', model, provider, size, clip: path, scratch, seconds, longRunMs, repeats },
    ...{ batch: options.batch, threads: machine.threads, frames: Math.min(frames, DECODED_FRAMES) },
    ...{ pictures: PICTURES, wraps: false },
  };
  const label = `${model.name} on ${provider} at ${size.name}`;
  const stages = await runCell(request, allowed(!alone), signal);
  if (stages.kind !== 'stages') {
    const reason = stages.kind === 'failed' ? stages.message : 'no result';
    emit({ type: 'warning', message: `${label}: ${reason}` });
    return undefined;
  }
  const { infer } = stages.result;
  if (infer.check?.ok === false) {
    emit({ type: 'warning', message: `${label}: the result is wrong, its speed does not count` });
  }
  let line: LineResult | string | undefined;
  if (infer.basis === 'measured') {
    const rates = stagesOf(stages.result);
    const wanted = lineFrames(ceilingFps(rates, machine.cores), effort, frames);
    const reply = await runCell({ ...request, what: 'line', frames: wanted }, allowed(true), signal);
    line = reply.kind === 'line' ? reply.result : reply.kind === 'failed' ? reply.message : 'no result';
    if (typeof line === 'string') emit({ type: 'warning', message: `${label}, end to end: ${line}` });
  }
  return { infer, pipeline: pipelineRow(stages.result, line, machine) };
}

async function run(context: Context): Promise<Found> {
  const { options, effort, scratch, signal, emit, started } = context;
  const candidates = await selectModels(options, signal);
  const [first] = candidates;
  if (!first) throw new RangeError('there is no model to measure');
  const { providers, reports } = await selectDevices(first.model, options.devices, signal);
  const made = await clips(options, scratch, signal);
  const infer: InferRow[] = [];
  const pipeline: PipelineRow[] = [];
  const total = candidates.length * providers.length * made.length;
  for (const candidate of candidates) {
    for (const provider of providers) {
      let last: { infer: InferRow; pipeline: PipelineRow } | undefined;
      for (const clip of made) {
        const { name } = candidate.model;
        const number = infer.length + 1;
        emit({ type: 'cell', label: `${name} on ${provider} at ${clip.size.name}`, number, total });
        const ratio = last ? pixels(clip.size) / pixels(last.infer.size) : 1;
        const expectedMs = last ? (last.infer.latencyMs.p50 / last.infer.batch) * ratio : 0;
        const late = effort.deadlineMs !== null && performance.now() - started > effort.deadlineMs;
        if (last && (late || (effort.scaledRunMs !== null && expectedMs > effort.scaledRunMs))) {
          const row = scaledInfer(last.infer, clip.size);
          last = { infer: row, pipeline: scaledPipeline(last.pipeline, row) };
        } else {
          const found = await measureCell(context, candidate, provider, clip, infer.length === 0);
          if (!found) continue;
          last = found;
        }
        infer.push(last.infer);
        pipeline.push(last.pipeline);
        emit({ type: 'infer', row: last.infer });
        emit({ type: 'pipeline', row: last.pipeline });
      }
    }
  }
  if (!infer.length) {
    throw new TinySRError('TSR_INFER_FAILED', 'nothing could be measured', {
      hint: 'The warnings above say why; on a busy machine leave out --quick.',
    });
  }
  return { devices: reports, models: candidates.map(({ about }) => about), infer, pipeline, stream: [] };
}

/**
 * Measures models on devices at sizes: inference alone, each stage by itself, and the whole line; or the live path.
 *
 * @param emit told what is under way and each row as it is found
 * @throws TinySRError
 */
export async function runBench(
  options: BenchOptions,
  signal: AbortSignal,
  emit: (event: BenchEvent) => void,
): Promise<BenchResult> {
  const started = performance.now();
  const scratch = await scratchFolder();
  try {
    const machine = await describeMachine(options.threads, signal);
    const effort = EFFORTS[options.mode];
    const context = { options, effort, machine, scratch: scratch.path, signal, emit, started };
    const found = options.stream ? await runStreams(context, options.stream) : await run(context);
    return {
      ...{ schema: 'tinysr-video-bench/1', mode: options.mode, date: new Date().toISOString() },
      ...{ seconds: (performance.now() - started) / 1000, machine, input: options.input ?? 'synthetic', ...found },
    };
  } catch (error) {
    throw toTinySRError(error);
  } finally {
    await scratch.remove();
  }
}
