import type { TinySRError } from '../../shared/errors.js';
import {
  EncoderProcess,
  type EncodingEvents,
  type EncodingOptions,
  FRAME_RATE,
  type WrittenFrame,
} from './encoder-process.js';
import type { CodedPicture } from './ivf.js';
import { RateMeter } from './meter.js';

/** How frames are encoded, and who gets them. */
export interface EncoderOptions extends EncodingOptions, EncodingEvents {}

/** Stream time over which the rate of frames is taken, in milliseconds. */
const RATE_WINDOW_MS = 3000;
/** How many times the rate that x264 is told frames may come: so many times too many bits go out. */
const TOO_FAST = 1.2;
/** How long frames must come more slowly, in milliseconds: that costs no more than quality, and screens pause often. */
const SLOW_MS = 10_000;

/** An ffmpeg that takes over when its first picture is out. */
interface Successor {
  readonly process: EncoderProcess;
  ready: boolean;
}

/**
 * Encodes a live stream by ffmpeg, each frame as soon as it is there.
 *
 * x264 spends its bits by the frame, so it must know their rate: when that changes by much, another ffmpeg takes over with a key
 * frame. It is started beside the old one, and tried with a frame, so that the stream does not wait for it.
 */
export class Encoder {
  readonly #options: EncoderOptions;
  readonly #rate = new RateMeter(RATE_WINDOW_MS);
  #process: EncoderProcess;
  #next: Successor | undefined;
  #slowSince: number | undefined;
  #closing: Promise<unknown>[] = [];
  #closed = false;
  #idle: (() => void) | undefined;

  constructor(options: EncoderOptions) {
    this.#options = options;
    this.#process = this.#start(FRAME_RATE, (picture) => options.picture(picture));
  }

  /** Process id. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Frames that went in and have not come out. */
  get waiting(): number {
    return this.#process.waiting;
  }

  #start(fps: number, picture: (picture: CodedPicture) => void): EncoderProcess {
    return new EncoderProcess(this.#options, fps, {
      picture: (coded) => {
        picture(coded);
        this.#idle?.();
      },
      ended: (error) => this.#ended(error),
    });
  }

  #ended(error: TinySRError): void {
    this.#idle?.();
    if (!this.#closed) this.#options.ended(error);
  }

  /**
   * Takes a frame; it must not be changed before it is accepted.
   *
   * @param timeMs rises from frame to frame
   * @param key whether it shall become a key frame
   */
  write(frame: Uint8Array, timeMs: number, key: boolean): WrittenFrame {
    const fps = this.#options.codec === 'h264' ? this.#betterRate(timeMs) : undefined;
    // Nothing is inside, so that pictures stay in order and none is lost.
    const change = this.#next?.ready === true && this.waiting === 0;
    if (change) this.#change();
    const written = this.#process.write(frame, timeMs, key || change);
    if (fps === undefined || this.#next || change) return written;
    const tried = this.#try(fps).write(frame, timeMs, true);
    return { ...written, accepted: Promise.all([written.accepted, tried.accepted]) };
  }

  /** Starts the next ffmpeg. Its first picture, that of the frame it is tried with, has gone out already. */
  #try(fps: number): EncoderProcess {
    const next: Successor = {
      process: this.#start(fps, (picture) => {
        if (next.ready) this.#options.picture(picture);
        next.ready = true;
      }),
      ready: false,
    };
    this.#next = next;
    return next.process;
  }

  /** The rate that the encoder should be told, in steps so that one change is enough; undefined while that of now will do. */
  #betterRate(timeMs: number): number | undefined {
    this.#rate.add(timeMs);
    const rate = this.#rate.rate(timeMs);
    const { fps: told } = this.#process;
    let fps = FRAME_RATE;
    while (rate > TOO_FAST * fps) fps *= 2;
    this.#slowSince = fps < told ? (this.#slowSince ?? timeMs) : undefined;
    const slow = this.#slowSince !== undefined && timeMs - this.#slowSince >= SLOW_MS;
    return fps > told || slow ? fps : undefined;
  }

  #change(): void {
    if (!this.#next) return;
    this.#closing.push(this.#process.close().catch(() => undefined));
    this.#process = this.#next.process;
    this.#next = undefined;
    this.#slowSince = undefined;
  }

  /** Resolves when at most `most` frames are inside, none when another ffmpeg takes over, or it is closed. */
  async room(most: number): Promise<void> {
    while (this.waiting > (this.#next?.ready ? 0 : most) && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
  }

  /** Ends it. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#idle?.();
    await Promise.all([this.#process.close(), this.#next?.process.close(), ...this.#closing]);
  }
}
