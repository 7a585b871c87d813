import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { type ChildExit, type RunningChild, startChild } from '../shared/child.js';
import { DamageCounter, readFailure, unreadableError } from '../shared/damage.js';
import { pictureClock, picturesPerFrame } from '../shared/deinterlace.js';
import { TinySRError } from '../shared/errors.js';
import { toolPath } from '../shared/ffmpeg.js';
import type { FrameBatch } from '../shared/frame.js';
import { fileUrl } from '../shared/input-options.js';
import { type FrameLayout, frameLayout } from '../shared/layout.js';
import { CYCLE } from '../shared/pulldown.js';
import { rationalValue } from '../shared/rational.js';
import { type DecodeOptions, decodeArguments, isCutByReader } from './command.js';
import { lastReason } from './ffprobe.js';
import type { FrameReader } from './frame-reader.js';
import { hwaccelError } from './hwaccel.js';
import { oddPicture } from './pictures/odd-picture.js';
import { picturesBefore } from './pictures/sequence.js';
import { PipeReader } from './pipe-reader.js';
import { SocketReader } from './socket-reader.js';
import { Timestamps } from './timestamps.js';

/** Where a source takes buffers from before it reads: the pool is the credit that bounds memory. */
export interface BufferCredit {
  /** Waits for a free buffer. */
  acquire(): Promise<ArrayBuffer>;
  /** Gives a buffer back unused. */
  release(buffer: ArrayBuffer): void;
}

/** Half a microsecond: what the times of a command line are rounded by. */
const ROUNDING_NS = 500n;

/** ffmpeg's own `-to` counts from the first frame that is given: the end is the reader's to keep. */
function cutOf(options: DecodeOptions): { from: bigint; to: bigint } | undefined {
  const { info, start = 0, end } = options;
  const ns = (seconds: number) => BigInt(Math.round((info.startTime + seconds) * 1e9)) - ROUNDING_NS;
  const from = start > 0 && isCutByReader(options) ? ns(start) : undefined;
  if (from === undefined && end === undefined) return undefined;
  return { from: from ?? -(1n << 63n), to: end === undefined ? 1n << 63n : ns(end) };
}

/** Raw frames of a video file, decoded by an ffmpeg of its own. Owned by whoever opened it: close it. */
export class FrameSource {
  /** Layout of one frame. */
  readonly layout: FrameLayout;
  readonly #options: DecodeOptions;
  readonly #child: RunningChild;
  readonly #pictures: FrameReader;
  readonly #socket: SocketReader | undefined;
  readonly #times: Timestamps;
  readonly #damage = new DamageCounter();
  /** PTS in nanoseconds of the first frame that is given, and of the first that is not any more. */
  readonly #cut: { readonly from: bigint; readonly to: bigint } | undefined;
  #frames = 0;
  /** Frames that were left out in front of the first given one. */
  #left = 0;
  #skipped = false;
  #closed = false;

  private constructor(options: DecodeOptions, link: { reader: SocketReader; far: Socket } | undefined) {
    const { timeBase, frameRate } = pictureClock(options.info.video, options.deinterlacing);
    this.#options = options;
    this.layout = frameLayout(options.format, options.width, options.height);
    this.#cut = cutOf(options);
    const stdout = link?.far ?? 'pipe';
    this.#child = startChild(toolPath('ffmpeg'), decodeArguments(options), ['ignore', stdout, 'pipe', 'pipe']);
    // The child has a descriptor of its own: while this one is open too, the stream would not end with it.
    link?.far.destroy();
    const [, pipe, stderr, times] = this.#child.process.stdio as unknown as [null, Readable, Readable, Readable];
    stderr.on('data', (text: string) => this.#damage.push(text));
    this.#socket = link?.reader;
    this.#pictures = link?.reader ?? new PipeReader(pipe);
    const perFrame = frameRate ? 1 / rationalValue(frameRate) / rationalValue(timeBase) : 1;
    this.#times = new Timestamps(times, timeBase, perFrame);
  }

  /** Starts the decoder. The file must have been probed: `options.info`. */
  static async open(options: DecodeOptions): Promise<FrameSource> {
    // Windows gives a child other pipes than Node reads sockets from, and no temporary folder may take one.
    const link = process.platform === 'win32' ? undefined : await SocketReader.open().catch(() => undefined);
    return new FrameSource(options, link);
  }

  /** Frames given so far. */
  get frames(): number {
    return this.#frames;
  }

  /** Damaged places met so far, and the first in ffmpeg's words. */
  get damage(): { readonly count: number; readonly first: string | undefined } {
    return this.#damage;
  }

  /** Frames whose PTS was missing or went backwards. */
  get repairedTimestamps(): number {
    return this.#times.repaired;
  }

  /** Process id of the decoder. */
  get pid(): number | undefined {
    return this.#child.process.pid;
  }

  /**
   * Leaves out the frames up to one that another source of the same file gave as its last, that one included. Called
   * before {@link batches}. Damage met on the way was counted when they were first decoded.
   *
   * @param ptsNs PTS of that frame
   * @returns whether it came: if not, this source does not go on where the other stopped
   */
  async skipTo(ptsNs: bigint): Promise<boolean> {
    const frame = new Uint8Array(this.layout.bytes);
    while ((await this.#pictures.fill(frame)) === frame.length) {
      const pts = await this.#times.next();
      this.#left += 1;
      if (pts === undefined || pts > ptsNs) return false;
      if (pts < ptsNs) continue;
      this.#skipped = true;
      this.#damage.reset();
      this.#times.repaired = 0;
      return true;
    }
    return false;
  }

  /**
   * The frames in batches of at most `size`; a batch is given when it is full or the file ends. A buffer is taken from
   * `credit` before anything is read for it and passes to whoever takes the batch.
   *
   * @throws TinySRError `TSR_DECODE_FAILED` when the decoder fails or is killed, `TSR_INPUT_NO_FRAMES` when it gave none,
   * `TSR_INPUT_UNREADABLE` when the file could not be read to its end
   */
  async *batches(size: number, credit: BufferCredit): AsyncGenerator<FrameBatch, void, undefined> {
    const { bytes } = this.layout;
    for (;;) {
      const buffer = await credit.acquire();
      const first = this.#frames;
      const ptsNs: bigint[] = [];
      let partial = 0;
      let ended = false;
      const wanted = Math.min(size, (this.#options.frames ?? Number.POSITIVE_INFINITY) - first);
      while (ptsNs.length < wanted) {
        const filled = await this.#pictures.fill(new Uint8Array(buffer, ptsNs.length * bytes, bytes));
        if (filled < bytes) {
          partial = filled;
          break;
        }
        const pts = await this.#times.next();
        if (pts === undefined) break;
        if (this.#cut && pts < this.#cut.from) continue;
        if (this.#cut && pts >= this.#cut.to) {
          ended = true;
          break;
        }
        ptsNs.push(pts);
      }
      this.#frames += ptsNs.length;
      if (ptsNs.length) yield { buffer, count: ptsNs.length, ptsNs, first };
      else credit.release(buffer);
      if (ptsNs.length === size) continue;
      if (this.#isOnePicture) await this.#finish(partial || (await this.#passOver()));
      else if (ended || this.#frames === this.#options.frames) await this.close();
      else await this.#finish(partial);
      if (ended && this.#frames === 0 && !this.#skipped) throw this.#noFrames('', undefined);
      return;
    }
  }

  /** One picture is waited for to its end: what is damaged in it is known then, whichever came first, words or samples. */
  get #isOnePicture(): boolean {
    const { pictures } = this.#options.info;
    return pictures !== undefined && pictures.sequence === undefined;
  }

  /** Leaves out what follows, such as the pictures that phones put behind theirs. @returns bytes of a part of a frame */
  async #passOver(): Promise<number> {
    const frame = new Uint8Array(this.layout.bytes);
    for (;;) {
      const filled = await this.#pictures.fill(frame);
      if (filled < frame.length) return filled;
    }
  }

  async #finish(partialBytes: number): Promise<void> {
    const { path } = this.#options.info;
    const exit = await this.#child.exit.catch((cause: unknown) => {
      throw new TinySRError('TSR_FFMPEG_MISSING', 'ffmpeg cannot be started', { cause });
    });
    if (this.#closed) return;
    if (exit.signal || exit.code === 255 || partialBytes > 0) {
      throw new TinySRError(
        'TSR_DECODE_FAILED',
        `${path}: the decoding ffmpeg ended early (${exit.signal ?? `exit status ${exit.code}`}) after ${this.#frames} frames`,
        { hint: 'Was it killed, or did the machine run out of memory? Run again.', cause: new Error(exit.stderr) },
      );
    }
    await this.#requireAllPictures(exit);
    const unreadable = readFailure(exit.stderr, fileUrl(path));
    if (unreadable !== undefined) throw unreadableError(path, unreadable, `after ${this.#frames} frames`);
    if (this.#frames > 0 || this.#skipped) return;
    const failed = hwaccelError(this.#options.hwaccel, exit.stderr);
    if (failed) throw failed;
    throw this.#noFrames(exit.code ? ` (${lastReason(exit.stderr)})` : '', new Error(exit.stderr));
  }

  /** Of a sequence every picture has come: one less, and those behind it would have the number of another. */
  async #requireAllPictures({ code, stderr }: ChildExit): Promise<void> {
    const { info, start = 0, firstFrame, deinterlacing } = this.#options;
    const sequence = info.pictures?.sequence;
    if (!sequence || firstFrame !== undefined) return;
    const given = Math.ceil((this.#left + this.#frames) / picturesPerFrame(info.video, deinterlacing));
    const from = picturesBefore(info, start) + given;
    // In which frame of a cycle it ended cannot be told.
    const unsure = deinterlacing?.pulldown ? CYCLE : 0;
    if (code === 0 && (from + unsure >= sequence.count || this.#cut)) return;
    throw await oddPicture(info, sequence, Math.max(0, from - unsure), stderr);
  }

  #noFrames(reason: string, cause: unknown): TinySRError {
    const { firstFrame, info } = this.#options;
    if (firstFrame && !reason) {
      return new TinySRError('TSR_INPUT_NO_FRAMES', `${info.path}: has no frame ${firstFrame}`, {
        hint: 'Frames are counted from 0.',
        cause,
      });
    }
    if (reason.includes('No such file or directory')) {
      return new TinySRError('TSR_INPUT_NOT_FOUND', `${info.path}: went before it could be decoded`, {
        hint: 'Put it back, and run again.',
        cause,
      });
    }
    const ranged = this.#options.start !== undefined || this.#options.end !== undefined;
    const what = ranged ? 'in the asked range' : 'could be decoded';
    return new TinySRError('TSR_INPUT_NO_FRAMES', `${this.#options.info.path}: no frame ${what}${reason}`, {
      hint: ranged ? 'Compare --start and --end with the length of the video.' : 'The file is damaged or was cut off.',
      cause,
    });
  }

  /** Ends the decoder. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#socket?.close();
    await this.#child.kill();
  }
}
