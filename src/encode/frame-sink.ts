import type { Writable } from 'node:stream';
import { type ChildExit, type RunningChild, startChild } from '../shared/child.js';
import { DamageCounter } from '../shared/damage.js';
import type { TinySRError } from '../shared/errors.js';
import { toolPath } from '../shared/ffmpeg.js';
import { rationalValue } from '../shared/rational.js';
import { encodeArguments } from './command.js';
import { encodeError } from './encode-error.js';
import { frameHeader, matroskaHeader } from './matroska.js';
import type { EncodePlan } from './plan.js';
import { STEADY_LEAD } from './steady.js';
import { trackSigns } from './track-damage.js';

/** Seconds a frame is shown where the source says no rate: the last one needs a duration, or mp4's edit list ends before it. */
const UNKNOWN_FRAME_SECONDS = 0.04;

/** Takes upscaled frames into an ffmpeg of its own that encodes and muxes them. Owned by whoever opened it. */
export class FrameSink {
  readonly #plan: EncodePlan;
  readonly #child: RunningChild;
  readonly #input: Writable;
  readonly #damage: DamageCounter;
  #error: Error | undefined;
  #ended = false;
  #frames = 0;

  /**
   * Starts the encoder.
   *
   * @param target path to write, or `pipe:1` for this process's stdout
   * @param args of ffmpeg; default: those that write the whole output
   */
  constructor(plan: EncodePlan, target: string, args = encodeArguments(plan, target)) {
    this.#plan = plan;
    const stdout = target === 'pipe:1' ? 'inherit' : 'ignore';
    this.#child = startChild(toolPath('ffmpeg'), args, ['pipe', stdout, 'pipe']);
    this.#damage = new DamageCounter(trackSigns(plan));
    this.#child.process.stderr?.on('data', (text: string) => this.#damage.push(text));
    this.#input = this.#child.process.stdin as Writable;
    this.#input.on('error', (error) => {
      this.#error = error;
    });
    this.#child.process.once('close', () => {
      this.#ended = true;
    });
    // Pictures have no times: their frames come bare, and may be larger than a block of Matroska.
    if (plan.pictures) return;
    const { frameRate } = plan;
    this.#input.write(matroskaHeader(plan.frame, frameRate ? 1 / rationalValue(frameRate) : UNKNOWN_FRAME_SECONDS));
  }

  /** Process id of the encoder. */
  get pid(): number | undefined {
    return this.#child.process.pid;
  }

  /** Damaged places met so far in tracks that are converted, and the first in ffmpeg's words. */
  get damage(): { readonly count: number; readonly first: string | undefined } {
    return this.#damage;
  }

  /** Frames taken so far. */
  get frames(): number {
    return this.#frames;
  }

  /**
   * Writes frames and waits until the encoder has taken them: its pace is the writer's.
   *
   * @param frames raw frames of the plan's layout
   * @param ptsNs presentation time of each, in nanoseconds
   * @throws TinySRError `TSR_ENCODE_FAILED`, `TSR_ENCODER_MISSING`, `TSR_OUTPUT_DISK_FULL` when the encoder ended
   */
  async write(frames: readonly Uint8Array[], ptsNs: readonly bigint[]): Promise<void> {
    if (!this.#ended && !this.#error) await this.#give(frames, ptsNs);
    if (this.#error || this.#ended) throw await this.#failure();
    this.#frames += frames.length;
  }

  /** Resolves when the encoder has taken all, or will take nothing any more. */
  #give(frames: readonly Uint8Array[], ptsNs: readonly bigint[]): Promise<void> {
    const { bytes } = this.#plan.frame;
    const headers = this.#plan.pictures ? [] : ptsNs.map((pts) => frameHeader(bytes, pts));
    return new Promise((resolve) => {
      // Corked, all headers and frames go to the system in one call.
      this.#input.cork();
      if (this.#frames === 0) this.#lead(frames[0], ptsNs[0]);
      for (const [index, frame] of frames.entries()) {
        const header = headers[index];
        if (header) this.#input.write(header);
        if (index < frames.length - 1) this.#input.write(frame);
        else this.#input.write(frame, () => resolve());
      }
      this.#input.uncork();
    });
  }

  /** What the filter that steadies wants before the first frame. */
  #lead(first: Uint8Array | undefined, pts: bigint | undefined): void {
    if (this.#plan.steady === undefined || first === undefined || pts === undefined) return;
    for (let before = STEADY_LEAD; before > 0; before -= 1) {
      if (!this.#plan.pictures) this.#input.write(frameHeader(first.length, pts - BigInt(before)));
      this.#input.write(first);
    }
  }

  #meaning(exit: ChildExit): TinySRError | undefined {
    const { output, encoder, source, container } = this.#plan;
    return encodeError(output, encoder, exit, { source: source.path, muxer: container.muxer });
  }

  async #failure(): Promise<Error> {
    const exit = await this.#child.exit;
    // An encoder that closes its input and still exits well has failed all the same: frames are missing.
    return this.#meaning(exit) ?? this.#meaning({ ...exit, code: exit.code || 1 }) ?? new Error('unreachable');
  }

  /** Ends the input and waits for the finished file. @throws as {@link write} */
  async finish(): Promise<void> {
    this.#input.end();
    const exit = await this.#child.exit;
    const error = this.#meaning(exit);
    if (error) throw error;
  }

  /** Ends the encoder at once. Idempotent. */
  async close(): Promise<void> {
    await this.#child.kill();
  }
}
