import { pixels } from './sizes.js';
import { measured } from './statistics.js';
import type { BenchSize, InferRow, PipelineRow, StageRate, StagesResult } from './types.js';

/** A row for a size that would take too long, from a smaller size's: work grows with the number of pixels. */
export function scaledInfer(from: InferRow, size: BenchSize): InferRow {
  const ratio = pixels(size) / pixels(from.size);
  const times = (value: number) => value * ratio;
  const scale = from.outputWidth / from.size.width;
  return {
    ...from,
    ...{ size, basis: 'scaled', check: null, deviceMemoryBytes: null },
    ...{ outputWidth: size.width * scale, outputHeight: size.height * scale },
    fps: measured([from.fps.median / ratio]),
    latencyMs: {
      ...{ p50: times(from.latencyMs.p50), p95: times(from.latencyMs.p95), p99: times(from.latencyMs.p99) },
      samples: [],
    },
    firstRunMs: times(from.firstRunMs),
    cpuSecondsPerFrame: from.cpuSecondsPerFrame === null ? null : times(from.cpuSecondsPerFrame),
    peakRssBytes: Math.round(times(from.peakRssBytes)),
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
    peakRssBytes: Math.round(from.peakRssBytes * ratio),
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
