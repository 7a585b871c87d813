import type { Readable, Writable } from 'node:stream';
import { type RunningChild, startChild } from '../../shared/child.js';
import type { Matrix } from '../../shared/color.js';
import { TinySRError } from '../../shared/errors.js';
import { type FfmpegInfo, toolPath } from '../../shared/ffmpeg.js';
import type { PictureSize } from '../rtp/access-unit.js';
import { type CodedPicture, FlvReader, IvfReader, ivfFrameHeader, ivfHeader } from './ivf.js';
import { LIVE_INPUT } from './live-input.js';
import type { LiveFormat } from './plan.js';

/** Codecs that can go out. */
export type OutputCodec = 'vp8' | 'h264';

/**
 * YUV matrix that browsers take a codec's pictures to have. VP8 carries no tags and is shown with BT.601; H.264 is tagged as
 * BT.709 throughout, the one description that browsers show without any conversion of their own.
 */
export function outputMatrix(codec: OutputCodec): Matrix {
  return codec === 'vp8' ? 'bt601' : 'bt709';
}

/** ffmpeg's names of what encodes. */
const ENCODERS: Readonly<Record<OutputCodec, string>> = { h264: 'libx264', vp8: 'libvpx' };

/** Holds an ffmpeg to what the upscaled stream needs: some come without x264. @throws TinySRError `TSR_ENCODER_MISSING` */
export function requireEncoder({ path, encoders }: FfmpegInfo, codec: OutputCodec): void {
  const name = ENCODERS[codec];
  if (encoders.has(name)) return;
  const other = codec === 'h264' ? 'vp8' : 'h264';
  const instead = encoders.has(ENCODERS[other]) ? `, or send the other codec: --codec ${other}` : '';
  throw new TinySRError('TSR_ENCODER_MISSING', `${path} has no ${name}, which the upscaled stream needs`, {
    hint: `Install an ffmpeg that has it (or set TINYSR_FFMPEG to one)${instead}.`,
  });
}

/** How frames are encoded. */
export interface EncodingOptions {
  readonly codec: OutputCodec;
  readonly format: LiveFormat;
  /** Size of the raw frames. */
  readonly source: PictureSize;
  /** Size of the stream; even. */
  readonly target: PictureSize;
}

/** Whom an encoding ffmpeg tells. */
export interface EncodingEvents {
  picture(picture: CodedPicture): void;
  /** It is gone without having been closed. */
  ended(error: TinySRError): void;
}

/** Codes of raw frames. */
const FOURCC = { yuv420p: 'I420', rgb24: 'RGB\u0018' } as const;

/** Pictures between two key frames when nobody asks for one. */
const KEY_INTERVAL = 600;

/** Frames a second that bit rates are meant for; at a lower rate a frame costs the same. */
export const FRAME_RATE = 30;

/** Bits a second for a picture of this size. */
export function outputBitrate({ width, height }: PictureSize): number {
  const bits = width * height * FRAME_RATE * 0.085;
  return Math.round(Math.min(6_000_000, Math.max(400_000, bits)) / 1000) * 1000;
}

function codecArguments(codec: OutputCodec, bitrate: number, fps: number): string[] {
  const rate = ['-b:v', String(bitrate), '-maxrate', String(bitrate), '-bufsize', String(Math.round(bitrate / 2))];
  if (codec === 'vp8') {
    return [
      ...['-c:v', ENCODERS.vp8, '-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0', '-auto-alt-ref', '0'],
      ...['-error-resilient', '1', '-static-thresh', '1', '-qmin', '4', '-qmax', '56', '-threads', '1', ...rate],
      ...['-g', String(KEY_INTERVAL), '-f', 'ivf'],
    ];
  }
  return [
    ...['-c:v', ENCODERS.h264, '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', ...rate],
    ...['-color_range', 'tv', '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'],
    // Frames are timed in milliseconds; without this x264 takes that for 1000 frames a second. It counts frames and does not look
    // at their times, unless it may hold each back until the next one comes.
    ...['-x264-params', `fps=${fps}/1:repeat-headers=1:scenecut=0:threads=1`, '-g', String(KEY_INTERVAL)],
    ...['-f', 'flv', '-flvflags', 'no_duration_filesize+no_metadata'],
  ];
}

function encoderArguments(options: EncodingOptions, fps: number): string[] {
  const { source, target, codec, format } = options;
  const rgb = format === 'rgb24';
  const colors = rgb ? `+accurate_rnd+full_chroma_inp:out_color_matrix=${outputMatrix(codec)}:out_range=tv` : '';
  const scaled = rgb || source.width !== target.width || source.height !== target.height;
  return [
    ...LIVE_INPUT,
    // ffmpeg knows this code of RGB, but not that IVF may hold it.
    ...(rgb ? ['-c:v', 'rawvideo'] : []),
    ...['-f', 'ivf', '-i', 'pipe:0', '-fps_mode', 'passthrough'],
    ...['-enc_time_base', '1:1000', '-pix_fmt', 'yuv420p', '-flush_packets', '1'],
    ...(scaled ? ['-vf', `scale=${target.width}:${target.height}:flags=bilinear${colors}`] : []),
    // Key frames on demand: a frame whose time is an odd number of milliseconds becomes one.
    ...['-force_key_frames', 'expr:mod(floor(t*1000+0.5),2)'],
    ...codecArguments(codec, outputBitrate(target), fps),
    'pipe:1',
  ];
}

/** What became of a frame. */
export interface WrittenFrame {
  /** The time it comes out with. */
  readonly timeMs: number;
  /** It was read and may be changed. */
  readonly accepted: Promise<unknown>;
}

/** An ffmpeg that encodes frames of one rate, each as soon as it is there. */
export class EncoderProcess {
  /** Frames a second that its bit rate is meant for. */
  readonly fps: number;
  readonly #events: EncodingEvents;
  readonly #child: RunningChild;
  readonly #stdin: Writable;
  #closed = false;
  #firstTime: number | undefined;
  #lastTime = -1;
  #waiting = 0;

  constructor(options: EncodingOptions, fps: number, events: EncodingEvents) {
    this.fps = fps;
    this.#events = events;
    this.#child = startChild(toolPath('ffmpeg'), encoderArguments(options, fps), ['pipe', 'pipe', 'pipe']);
    const [stdin, stdout] = this.#child.process.stdio as unknown as [Writable, Readable];
    this.#stdin = stdin;
    stdin.on('error', () => undefined);
    stdin.write(ivfHeader(FOURCC[options.format], options.source.width, options.source.height));
    const reader = options.codec === 'vp8' ? new IvfReader() : new FlvReader();
    stdout.on('data', (chunk: Buffer) => {
      for (const picture of reader.push(chunk)) this.#picture(picture);
    });
    void this.#watch();
  }

  /** Process id. */
  get pid(): number | undefined {
    return this.#child.process.pid;
  }

  /** Frames that went in and have not come out. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a frame, which must not be changed before it is accepted. */
  write(frame: Uint8Array, timeMs: number, key: boolean): WrittenFrame {
    // ffmpeg counts from the first frame's time, so that must be 0; the first frame is a key frame by itself.
    this.#firstTime ??= timeMs;
    let time = Math.max(timeMs - this.#firstTime, this.#lastTime + 1);
    if (time > 0 && time % 2 !== (key ? 1 : 0)) time += 1;
    this.#lastTime = time;
    this.#waiting += 1;
    this.#stdin.write(ivfFrameHeader(frame.length, time));
    const accepted = new Promise<void>((resolve) => {
      this.#stdin.write(frame, () => resolve());
    });
    return { timeMs: this.#firstTime + time, accepted };
  }

  #picture(picture: CodedPicture): void {
    if (this.#closed) return;
    this.#waiting = Math.max(0, this.#waiting - 1);
    this.#events.picture({ ...picture, timeMs: picture.timeMs + (this.#firstTime ?? 0) });
  }

  async #watch(): Promise<void> {
    let cause: unknown;
    const exit = await this.#child.exit.catch((error: unknown) => {
      cause = error;
    });
    if (this.#closed) return;
    const reason = exit
      ? (exit.signal ?? `exit status ${exit.code}: ${exit.stderr.slice(-300).trim()}`)
      : 'it cannot be started';
    this.#events.ended(
      new TinySRError('TSR_ENCODE_FAILED', `the encoding ffmpeg ended: ${reason}`, {
        cause: cause ?? new Error(exit?.stderr ?? ''),
      }),
    );
  }

  /** Ends it. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#child.kill();
  }
}
