import type { Effort } from './effort.js';
import { lineFrames } from './effort.js';
import { pixels } from './sizes.js';
import type { BenchSize, StagesResult } from './types.js';

/** Milliseconds that a measuring process takes beside what it measures: starting, looking at ffmpeg and at the clip. */
const START_MS = 800;
/** Milliseconds that an ffmpeg takes to start and to end. */
const FFMPEG_MS = 300;
/** Runs that do not count: the first, and those that settle caches and clocks. */
const WARM_RUNS = 3;

/** Inference repeats at least so often, with two batches a session under way each. */
export const LEAST_REPEATS = 3;
/** Upscaled frames that the encoder is given at least: going to and fro over fewer would be too easy for it. */
export const LEAST_PICTURES = 6;
/** Frames the encoder is given at least: fewer would not fill its look-ahead. */
export const LEAST_ENCODED = 12;

/** What a frame costs one model on one device at one size, in milliseconds. */
export interface FrameCost {
  readonly batch: number;
  /** Sessions that run side by side. */
  readonly sessions: number;
  readonly decodeMs: number;
  readonly inferMs: number;
  readonly encodeMs: number;
  /** Of running the graph as written on one thread, to check the result. */
  readonly checkMs: number;
  /** Of a frame in the line, as far as the stages tell. */
  readonly lineMs: number;
}

/** What was measured at one size, for another: work grows with the number of pixels. */
export function frameCost(stages: StagesResult, lineFps: number, size: BenchSize): FrameCost {
  const { infer, decode, encode, checkMs } = stages;
  const ratio = pixels(size) / pixels(infer.size);
  const ms = (fps: number) => (1000 * ratio) / fps;
  return {
    ...{
      batch: infer.batch,
      sessions: infer.sessions,
      decodeMs: ms(decode.fps),
      inferMs: ms(infer.fps.median),
      encodeMs: ms(encode.fps),
    },
    ...{ checkMs: checkMs * ratio, lineMs: ms(lineFps) },
  };
}

/** The cost of another model, by how much more it computes a pixel. */
export function ofModel(cost: FrameCost, macsRatio: number): FrameCost {
  const more = cost.inferMs * (macsRatio - 1);
  return {
    ...cost,
    inferMs: cost.inferMs * macsRatio,
    checkMs: cost.checkMs * macsRatio,
    lineMs: Math.max(1, cost.lineMs + more),
  };
}

/** Milliseconds that the stages of a cell are expected to take. */
export function stagesMs({ batch, sessions, decodeMs, inferMs, encodeMs, checkMs }: FrameCost, effort: Effort): number {
  const { seconds, decodedFrames, longRunMs } = effort;
  // A run in one of the sessions takes as many times longer as there are of them.
  const runMs = inferMs * batch * sessions;
  const start = START_MS + 2 * FFMPEG_MS + decodedFrames * decodeMs;
  const encode = Math.max(seconds * 1000, LEAST_ENCODED * encodeMs);
  // Two batches a session are under way at a time, so that a repeat has at least two runs of each.
  const repeats = Math.max(seconds * 1000, 2 * LEAST_REPEATS * runMs);
  const collect = Math.max(seconds * 500, LEAST_PICTURES * inferMs);
  const long = longRunMs !== null && runMs > longRunMs;
  return start + encode + (long ? runMs : WARM_RUNS * runMs + repeats + checkMs + collect);
}

/** Milliseconds that the line of a cell is expected to take. */
export function lineMs({ lineMs }: FrameCost, { lineSeconds, repeats }: Effort, available: number): number {
  const frames = lineFrames(1000 / lineMs, lineSeconds, available);
  return START_MS + repeats * (2 * FFMPEG_MS + frames * lineMs);
}
