import { performance } from 'node:perf_hooks';
import type { FramesEvent, Stage } from './progress.js';

/** Counts frames and the time each stage takes. */
export class Meter {
  readonly #started = performance.now();
  readonly #totalFrames: number | undefined;
  /** Frames of earlier runs: done, but not by this one's speed. */
  readonly #before: number;
  readonly #busyMs: Record<Stage, number> = { decode: 0, infer: 0, encode: 0 };
  #firstPts: bigint | undefined;
  #lastPts: bigint | undefined;
  /** Frames handed to the encoder, those of earlier runs included. */
  frames: number;

  /** @param before frames that earlier runs have done */
  constructor(totalFrames: number | undefined, before = 0) {
    this.#totalFrames = totalFrames;
    this.#before = before;
    this.frames = before;
  }

  /** Adds time that a stage ran or was waited for. */
  add(stage: Stage, ms: number): void {
    this.#busyMs[stage] += ms;
  }

  /** Counts frames that were written. */
  written(ptsNs: readonly bigint[]): void {
    this.#firstPts ??= ptsNs[0];
    this.#lastPts = ptsNs.at(-1) ?? this.#lastPts;
    this.frames += ptsNs.length;
  }

  /** Seconds of the output's clock at the last frame that was written; undefined before there is one. */
  get lastFrameAt(): number | undefined {
    return this.#lastPts === undefined ? undefined : Number(this.#lastPts) / 1e9;
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Frames a second of this run. */
  get fps(): number {
    return (this.frames - this.#before) / this.seconds;
  }

  /** Milliseconds a frame of each stage. */
  get stageMs(): Record<Stage, number> {
    const { decode, infer, encode } = this.#busyMs;
    const frames = Math.max(1, this.frames - this.#before);
    return { decode: decode / frames, infer: infer / frames, encode: encode / frames };
  }

  /** Seconds of video a second. */
  get speed(): number {
    return Number((this.#lastPts ?? 0n) - (this.#firstPts ?? 0n)) / 1e9 / this.seconds;
  }

  /** How things stand. */
  event(): FramesEvent {
    const { frames, fps } = this;
    const total = this.#totalFrames;
    const stages = Object.entries(this.#busyMs) as [Stage, number][];
    const slowest = stages.reduce((most, stage) => (stage[1] > most[1] ? stage : most));
    return {
      type: 'progress',
      frames,
      // Containers announce wrong counts; what came is then the better guess.
      totalFrames: total === undefined ? null : Math.max(total, frames),
      fps,
      speed: this.speed,
      etaSeconds: total === undefined || fps === 0 ? null : Math.max(0, total - frames) / fps,
      slowest: slowest[0],
    };
  }
}
