import { pixels } from './sizes.js';
import { measured } from './statistics.js';
import type { BenchSize, InferRow, LineResult, PipelineRow, StageRate, StagesResult } from './types.js';

/** A row for a size that was not measured, from another size's: work grows with the number of pixels. */
export function scaledInfer(from: InferRow, size: BenchSize): InferRow {
  const ratio = pixels(size) / pixels(from.size);
  const times = (value: number) => value * ratio;
  const scale = from.outputWidth / from.size.width;
  return {
    ...from,
    // What is wrong at one size must not look right at another.
    check: from.check?.ok === false ? from.check : null,
    ...{ size, basis: 'scaled', peakRssBytes: null, deviceMemoryBytes: null },
    ...{ outputWidth: size.width * scale, outputHeight: size.height * scale },
    fps: measured([from.fps.median / ratio]),
    latencyMs: {
      ...{ p50: times(from.latencyMs.p50), p95: times(from.latencyMs.p95), p99: times(from.latencyMs.p99) },
      samples: [],
    },
    firstRunMs: times(from.firstRunMs),
    cpuSecondsPerFrame: from.cpuSecondsPerFrame === null ? null : times(from.cpuSecondsPerFrame),
  };
}

/** The same for the whole line. */
export function scaledPipeline(from: PipelineRow, infer: InferRow): PipelineRow {
  const ratio = pixels(infer.size) / pixels(from.size);
  const stage = ({ fps, cpuSecondsPerFrame }: StageRate): StageRate => ({
    fps: fps / ratio,
    cpuSecondsPerFrame: cpuSecondsPerFrame === null ? null : cpuSecondsPerFrame * ratio,
  });
  const { decode, infer: run, encode } = from.stages;
  const fps = measured([from.fps.median / ratio]);
  return {
    ...from,
    ...{ size: infer.size, basis: 'scaled', outputWidth: infer.outputWidth, outputHeight: infer.outputHeight, fps },
    stages: { decode: stage(decode), infer: stage(run), encode: stage(encode) },
    cpuSecondsPerFrame: from.cpuSecondsPerFrame === null ? null : from.cpuSecondsPerFrame * ratio,
    ...{ overlapEfficiency: null, realTime: realTime(fps.median), firstFrameMs: null, timeline: [] },
    ...{ frames: 0, peakRssBytes: null },
  };
}

/** Sum of the stages' CPU-seconds a frame; null when one is not known. */
export function cpuSum(stages: PipelineRow['stages']): number | null {
  const seconds = [stages.decode, stages.infer, stages.encode].map((stage) => stage.cpuSecondsPerFrame);
  return seconds.reduce<number | null>((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}

/** The slowest stage's rate. */
export function slowestStage(stages: PipelineRow['stages']): 'decode' | 'infer' | 'encode' {
  const order = ['decode', 'infer', 'encode'] as const;
  return order.reduce((slow, stage) => (stages[stage].fps < stages[slow].fps ? stage : slow));
}

/** Whether a rate keeps up with the usual ones of video. */
export function realTime(fps: number): PipelineRow['realTime'] {
  return { 24: fps >= 24, 30: fps >= 30, 60: fps >= 60 };
}

/** Stages of a line as a pipeline row has them. */
export function stagesOf({ decode, encode, infer }: StagesResult): PipelineRow['stages'] {
  const run = { fps: infer.fps.median, cpuSecondsPerFrame: infer.cpuSecondsPerFrame };
  return { decode, infer: run, encode };
}

/**
 * Frames a second that the line could reach with perfect overlap: the slowest stage's, and no more than the cores
 * have time for where all stages share them.
 */
export function ceilingFps(stages: PipelineRow['stages'], cores: number): number {
  const slowest = stages[slowestStage(stages)].fps;
  const sum = cpuSum(stages);
  return sum === null || sum === 0 ? slowest : Math.min(slowest, cores / sum);
}

/** The same, on a device: only where all stages share the CPU do its cores set a limit. */
export function deviceCeiling(stages: PipelineRow['stages'], provider: InferRow['provider'], cores: number): number {
  return ceilingFps(stages, provider === 'cpu' ? cores : Number.POSITIVE_INFINITY);
}

/** Which part of what its stages allow a line reached: what to expect of lines that are not measured. */
export function reached(stages: StagesResult, line: LineResult, cores: number): number {
  return Math.min(1, line.fps.median / deviceCeiling(stagesOf(stages), stages.infer.provider, cores));
}

/**
 * The row of a line.
 *
 * @param line what was measured, or why it failed; undefined when it was not
 * @param part which part of what its stages allow it is expected to reach when it was not
 */
export function pipelineRow(
  stages: StagesResult,
  line: LineResult | string | undefined,
  cores: number,
  part: number,
): PipelineRow {
  const { infer, encoder } = stages;
  const { model, provider, size, format, outputWidth, outputHeight } = infer;
  const rates = stagesOf(stages);
  const sum = cpuSum(rates);
  const slowest = slowestStage(rates);
  const done = typeof line === 'object' ? line : undefined;
  const fps = done?.fps ?? measured([part * deviceCeiling(rates, provider, cores)]);
  const bySlowest = done ? done.fps.median / rates[slowest].fps : null;
  const byCpu = done && sum !== null ? (done.fps.median * sum) / cores : null;
  const useCpu = provider === 'cpu' && sum !== null;
  return {
    ...{ model, provider, size, error: typeof line === 'string' ? line : null },
    ...{ basis: done ? 'measured' : 'one-frame', format, encoder },
    ...{ outputWidth, outputHeight, frames: done?.frames ?? 0, fps },
    ...{ stages: rates, slowest, cpuSecondsPerFrame: done?.cpuSecondsPerFrame ?? sum },
    overlapEfficiency: useCpu ? byCpu : bySlowest,
    efficiencyBasis: useCpu ? 'cpu' : 'slowest-stage',
    ...{ realTime: realTime(fps.median), peakRssBytes: done?.peakRssBytes ?? null },
    ...{ firstFrameMs: done?.firstFrameMs ?? null, timeline: done?.timeline ?? [] },
  };
}
