import type { Upscaler } from '../../infer/types.js';
import { type TinySRError, toTinySRError } from '../../shared/errors.js';
import { frameLayout } from '../../shared/layout.js';
import type { AccessUnit, PictureSize } from '../rtp/access-unit.js';
import type { InputCodec } from '../rtp/assembler.js';
import { Decoder } from './decoder.js';
import { Encoder } from './encoder.js';
import { type OutputCodec, outputMatrix } from './encoder-process.js';
import type { CodedPicture } from './ivf.js';
import { Newest } from './newest.js';
import type { BridgePlan } from './plan.js';
import { StreamClock } from './stream-clock.js';

/** Frames inside the encoder at most. */
const IN_ENCODER = 1;

/** What a frame goes through from its last packet to its first upscaled one. */
export const STAGES = ['receive', 'decode', 'wait', 'model', 'encode'] as const;

/** Milliseconds a frame spent in each: until it was whole and in order, in ffmpeg, for the model, in it, in ffmpeg again. */
export type StageTimes = Readonly<Record<(typeof STAGES)[number], number>>;

/** Where a frame came from. */
export interface FrameOrigin {
  /** Ticks of 90 kHz, as the publisher stamped it. */
  readonly timestamp: number;
  /** Arrival of its last packet, in milliseconds of `performance.now()`. */
  readonly arrivalMs: number;
  /** When it could be decoded: later, when it was held for a packet that came late. */
  readonly readyMs: number;
}

/** What a pipeline needs and whom it tells. */
export interface PipelineOptions {
  readonly plan: BridgePlan;
  readonly inputCodec: InputCodec;
  readonly outputCodec: OutputCodec;
  /** Largest pictures that are decoded. */
  readonly maxInput: PictureSize;
  readonly upscaler: Promise<Upscaler>;
  /** Whether a decoded frame of this time is to be upscaled. */
  wanted(timeMs: number): boolean;
  /** Whether the next frame must become a key frame. */
  takeKeyRequest(): boolean;
  picture(picture: CodedPicture, origin: FrameOrigin, stages: StageTimes): void;
  /** A decoded frame was displaced by a newer one. @param burst the two came almost at once */
  displaced(burst: boolean): void;
  failed(error: TinySRError): void;
}

interface Decoded {
  readonly buffer: ArrayBuffer;
  readonly timeMs: number;
  readonly decodedMs: number;
  readonly origin: FrameOrigin;
}

interface Upscaled {
  readonly origin: FrameOrigin;
  readonly stages: Omit<StageTimes, 'encode'>;
  readonly toEncoderMs: number;
}

/** Times that a pipeline remembers: more means that ffmpeg swallowed them. */
const MAX_REMEMBERED = 256;

function remember<T>(map: Map<number, T>, key: number, value: T): void {
  map.set(key, value);
  if (map.size > MAX_REMEMBERED) map.delete(map.keys().next().value ?? key);
}

/** Decoder, newest frame, model and encoder for one size and model; begins with a key frame. */
export class Pipeline {
  readonly plan: BridgePlan;
  readonly #options: PipelineOptions;
  readonly #decoder: Decoder;
  readonly #encoder: Encoder;
  readonly #newest = new Newest<Decoded>();
  readonly #incoming = new Map<number, FrameOrigin>();
  readonly #outgoing = new Map<number, Upscaled>();
  readonly #free: ArrayBuffer[] = [];
  readonly #clock = new StreamClock();
  #closed = false;
  readonly #done: Promise<void>;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.plan = options.plan;
    const { source, work, output, model, format } = options.plan;
    const { bytes } = frameLayout(format, work.width, work.height);
    this.#decoder = new Decoder({
      codec: options.inputCodec,
      source,
      most: options.maxInput,
      target: work,
      format,
      matrix: outputMatrix(options.outputCodec),
      acquire: () => this.#free.pop() ?? new ArrayBuffer(bytes),
      frame: (buffer, timeMs) => this.#decoded(buffer, timeMs),
      ended: (error) => this.#fail(error),
    });
    this.#encoder = new Encoder({
      codec: options.outputCodec,
      format,
      source: { width: work.width * model.scale, height: work.height * model.scale },
      target: output,
      picture: (picture) => this.#encoded(picture),
      ended: (error) => this.#fail(error),
    });
    this.#done = this.#run().catch((error) => this.#fail(toTinySRError(error, 'TSR_INFER_FAILED')));
  }

  /** What it upscales with. */
  get upscaler(): Promise<Upscaler> {
    return this.#options.upscaler;
  }

  /** Process ids of its ffmpegs. */
  get pids(): readonly number[] {
    return [this.#decoder.pid, this.#encoder.pid].filter((pid) => pid !== undefined);
  }

  /** Decoded frames that wait for the model, and upscaled ones in the encoder. */
  get queued(): number {
    return (this.#newest.waits ? 1 : 0) + this.#encoder.waiting;
  }

  /** Takes a coded picture. */
  write(unit: AccessUnit): void {
    if (this.#closed) return;
    const time = this.#clock.milliseconds(unit.timestamp);
    remember(this.#incoming, time, {
      timestamp: unit.timestamp,
      arrivalMs: unit.arrivalMs,
      readyMs: performance.now(),
    });
    if (!this.#decoder.write(unit.data, time)) {
      this.#fail(toTinySRError(new Error('the decoding ffmpeg does not keep up'), 'TSR_DECODE_FAILED'));
    }
  }

  #decoded(buffer: ArrayBuffer, timeMs: number): void {
    const origin = this.#incoming.get(timeMs);
    this.#incoming.delete(timeMs);
    if (!origin || !this.#options.wanted(timeMs)) {
      this.#release(buffer);
      return;
    }
    const decodedMs = performance.now();
    const displaced = this.#newest.put({ buffer, timeMs, decodedMs, origin });
    if (displaced) {
      this.#options.displaced(decodedMs - displaced.decodedMs < (timeMs - displaced.timeMs) / 2);
      this.#release(displaced.buffer);
    }
  }

  #release(buffer: ArrayBuffer): void {
    if (this.#free.length < 4) this.#free.push(buffer);
  }

  async #run(): Promise<void> {
    const upscaler = await this.#options.upscaler;
    for (;;) {
      await this.#encoder.room(IN_ENCODER);
      const frame = await this.#newest.take();
      if (!frame) return;
      const takenMs = performance.now();
      const { output, input, runMs } = await upscaler.upscale(frame.buffer, 1);
      this.#release(input);
      if (this.#closed) return;
      const pixels = new Uint8Array(output, 0, upscaler.output.bytes);
      const { timeMs } = this.#encoder.write(pixels, frame.timeMs, this.#options.takeKeyRequest());
      const { origin, decodedMs } = frame;
      const stages = {
        receive: origin.readyMs - origin.arrivalMs,
        decode: decodedMs - origin.readyMs,
        wait: takenMs - decodedMs,
        model: runMs,
      };
      remember(this.#outgoing, timeMs, { origin, stages, toEncoderMs: performance.now() });
    }
  }

  #encoded(picture: CodedPicture): void {
    const upscaled = this.#outgoing.get(picture.timeMs);
    this.#outgoing.delete(picture.timeMs);
    if (!upscaled) return;
    const { origin, stages, toEncoderMs } = upscaled;
    this.#options.picture(picture, origin, { ...stages, encode: performance.now() - toEncoderMs });
  }

  #fail(error: TinySRError): void {
    if (this.#closed) return;
    this.#options.failed(error);
    void this.close();
  }

  /** Ends both ffmpegs; the upscaler stays open, it belongs to the cache. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#newest.close();
    await Promise.all([this.#decoder.close(), this.#encoder.close()]);
    await this.#done;
  }
}
