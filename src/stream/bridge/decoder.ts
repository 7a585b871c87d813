import type { Readable, Writable } from 'node:stream';
import { PipeReader } from '../../decode/pipe-reader.js';
import { Timestamps } from '../../decode/timestamps.js';
import { type RunningChild, startChild } from '../../shared/child.js';
import type { Matrix } from '../../shared/color.js';
import { TinySRError } from '../../shared/errors.js';
import { toolPath } from '../../shared/ffmpeg.js';
import { frameLayout } from '../../shared/layout.js';
import type { PictureSize } from '../rtp/access-unit.js';
import type { InputCodec } from '../rtp/assembler.js';
import { ivfFrameHeader, ivfHeader } from './ivf.js';
import { LIVE_INPUT } from './live-input.js';
import type { LiveFormat } from './plan.js';

const FOURCC = { vp8: 'VP80', vp9: 'VP90', h264: 'H264' } as const;

/**
 * What a stream's colours are taken for when it does not say. Chromium 150 leaves the description out of H.264, whatever
 * it encodes, and shows such a stream as BT.709, while ffmpeg would take it for BT.601. A description in the stream goes
 * before this. VP8 is BT.601 to both; VP9 is made to say it where it is put together.
 */
const UNSAID_COLORS: Readonly<Record<InputCodec, readonly string[]>> = {
  vp8: [],
  vp9: [],
  h264: ['-colorspace', 'bt709'],
};

/** Bytes that may wait for ffmpeg before it counts as stuck. */
const MAX_WAITING = 4 << 20;

/** How pictures are decoded. */
export interface DecoderOptions {
  readonly codec: InputCodec;
  /** Size in the stream. */
  readonly source: PictureSize;
  /** Largest pictures that are decoded, whatever the stream's parameter sets say. */
  readonly most: PictureSize;
  /** Size of the raw frames; even. */
  readonly target: PictureSize;
  readonly format: LiveFormat;
  /** YUV matrix of the raw frames, where they are YUV. */
  readonly matrix: Matrix;
  /** Gives a buffer of one frame. */
  acquire(): ArrayBuffer;
  /** A decoded frame; the buffer passes on. */
  frame(buffer: ArrayBuffer, timeMs: number): void;
  /** The decoder is gone without having been closed. */
  ended(error: TinySRError): void;
}

/** Decoders count in blocks of 64 pixels at most. */
const padded = (side: number) => Math.ceil(side / 64) * 64;

function decoderArguments({ codec, most, target, format, matrix }: DecoderOptions): string[] {
  const { width, height } = target;
  // swscale's fast way to RGB tints greys.
  const colors = format === 'yuv420p' ? `:out_color_matrix=${matrix}:out_range=tv` : '+accurate_rnd+full_chroma_int';
  const raw = ['-fps_mode', 'passthrough', '-flush_packets', '1'];
  return [
    ...LIVE_INPUT,
    ...UNSAID_COLORS[codec],
    // The size that a stream announces need not be that of the pictures in it.
    ...['-max_pixels', String(padded(most.width) * padded(most.height))],
    ...['-flags', 'low_delay', '-threads', '1', '-f', 'ivf', '-i', 'pipe:0'],
    ...['-filter_complex_threads', '1', '-filter_complex'],
    `[0:v]scale=${width}:${height}:flags=bicubic${colors},format=${format},split[pictures][times]`,
    ...['-map', '[times]', '-c:v', 'wrapped_avframe', ...raw, '-enc_time_base', '1:1000', '-f', 'framecrc', 'pipe:3'],
    // The encoder that only copies pictures works in threads, each of which would hold one back.
    ...['-map', '[pictures]', ...raw, '-c:v', 'rawvideo', '-threads', '1', '-f', 'rawvideo', 'pipe:1'],
  ];
}

/** An ffmpeg that decodes a live stream of one size, each picture as soon as it is there. */
export class Decoder {
  readonly #options: DecoderOptions;
  readonly #child: RunningChild;
  readonly #stdin: Writable;
  #closed = false;

  constructor(options: DecoderOptions) {
    this.#options = options;
    this.#child = startChild(toolPath('ffmpeg'), decoderArguments(options), ['pipe', 'pipe', 'pipe', 'pipe']);
    const [stdin, stdout, , times] = this.#child.process.stdio as unknown as [Writable, Readable, Readable, Readable];
    this.#stdin = stdin;
    stdin.on('error', () => undefined);
    stdin.write(ivfHeader(FOURCC[options.codec], options.source.width, options.source.height));
    void this.#read(new PipeReader(stdout), new Timestamps(times, { num: 1, den: 1000 }, 1));
  }

  /** Process id. */
  get pid(): number | undefined {
    return this.#child.process.pid;
  }

  /** Takes a coded picture. @returns false when ffmpeg does not keep up and must be given up */
  write(data: Buffer, timeMs: number): boolean {
    if (this.#closed) return true;
    this.#stdin.write(ivfFrameHeader(data.length, timeMs));
    this.#stdin.write(data);
    return this.#stdin.writableLength < MAX_WAITING;
  }

  async #read(pictures: PipeReader, times: Timestamps): Promise<void> {
    const { target, format, acquire, frame, ended } = this.#options;
    const { bytes } = frameLayout(format, target.width, target.height);
    let cause: unknown;
    try {
      while (!this.#closed) {
        const buffer = acquire();
        if ((await pictures.fill(new Uint8Array(buffer, 0, bytes))) < bytes) break;
        const time = await times.next();
        if (time === undefined) break;
        if (!this.#closed) frame(buffer, Math.round(Number(time) / 1e6));
      }
    } catch (thrown) {
      cause = thrown;
    }
    const exit = await this.#child.exit.catch((error: unknown) => {
      cause = error;
    });
    if (this.#closed) return;
    const reason = exit ? (exit.signal ?? `exit status ${exit.code}`) : 'it cannot be started';
    const error = new TinySRError('TSR_DECODE_FAILED', `the decoding ffmpeg ended: ${reason}`, {
      cause: cause ?? new Error(exit?.stderr ?? ''),
    });
    ended(error);
  }

  /** Ends it. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#child.kill();
  }
}
