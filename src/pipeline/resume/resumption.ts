import type { DecodeOptions } from '../../decode/command.js';
import { FrameSource } from '../../decode/frame-source.js';
import { TinySRError } from '../../shared/errors.js';
import { throwIfStopped } from '../../shared/stopped.js';
import type { LineEnds, LineSink } from '../open-line.js';
import type { UpscaleVideoOptions } from '../options.js';
import type { VideoPlan } from '../plan.js';
import { fingerprint } from './fingerprint.js';
import { PictureSink } from './picture-sink.js';
import { type Joining, type Met, SegmentedSink } from './segmented-sink.js';
import { WorkFolder } from './work-folder.js';

/**
 * Seconds that are decoded again before the frame to go on after: deinterlacing looks back, and a picture that is
 * refreshed bit by bit, without key frames, must be whole again.
 */
const RUN_UP = 12;

/** Demuxers whose frames have the same times after a seek; others count them from where they are. */
const SEEKABLE = /^(mov|matroska|mpegts|image2)(,|$)/;

/** A video that is upscaled in more runs than one. Owned by whoever opened it: close it. */
export class Resumption {
  readonly #plan: VideoPlan;
  readonly #options: UpscaleVideoOptions;
  readonly #folder: WorkFolder;
  readonly #zeroNs: bigint;
  /** Frames that earlier runs have finished. */
  readonly resumedFrom: number;
  readonly #before: Met;

  private constructor(plan: VideoPlan, options: UpscaleVideoOptions, folder: WorkFolder) {
    this.#plan = plan;
    this.#options = options;
    this.#folder = folder;
    this.#zeroNs = BigInt(Math.round(plan.encode.zero * 1e9));
    this.resumedFrom = this.frames;
    this.#before = folder.segments.at(-1) ?? { damaged: 0, repaired: 0 };
  }

  /**
   * Takes what earlier runs have finished.
   *
   * @throws TinySRError as {@link WorkFolder.take}; `TSR_USAGE` for a comparison with a source that cannot be sought, as the
   * encoder of each piece would read it from its beginning
   */
  static async open(options: UpscaleVideoOptions, plan: VideoPlan): Promise<Resumption> {
    if (options.compare && !SEEKABLE.test(plan.decode.info.format)) {
      throw new TinySRError(
        'TSR_USAGE',
        `${options.input}: --compare with --resume needs a source that can be sought`,
        {
          hint: 'Leave out one of them, or copy the video to Matroska first: ffmpeg -i IN -c copy OUT.mkv.',
        },
      );
    }
    const made = await fingerprint(options, plan);
    return new Resumption(plan, options, await WorkFolder.take(options.output, made));
  }

  /** Frames that are finished for good. */
  get frames(): number {
    return this.#folder.frames;
  }

  /**
   * The ends of the line that makes what is missing.
   *
   * @param target path that the whole video is written to
   * @param say is told what the user should know
   * @param joining is told how far the pieces are joined
   */
  ends(target: string, say: (message: string) => void, joining: Joining): LineEnds<LineSink> {
    return { source: () => this.#source(say), sink: (source) => this.#sink(target, source, joining) };
  }

  #sink(target: string, source: FrameSource, joining: Joining): LineSink {
    const { encode } = this.#plan;
    const { segmentFrames } = this.#options;
    const met = () => this.met(source);
    const { pattern } = encode.pictures ?? {};
    if (!encode.pictures || !pattern)
      return new SegmentedSink(encode, this.#folder, target, segmentFrames, met, joining);
    const places = { folder: this.#folder, target };
    return new PictureSink(encode, { ...encode.pictures, pattern }, places, segmentFrames, met);
  }

  /** What all runs have met in the source. */
  met({ damage, repairedTimestamps }: FrameSource): Met {
    const { damaged, firstDamage, repaired } = this.#before;
    const first = firstDamage ?? damage.first;
    return {
      damaged: damaged + damage.count,
      ...(first !== undefined && { firstDamage: first }),
      repaired: repaired + repairedTimestamps,
    };
  }

  /** The source from the frame on that follows the last finished one. */
  async #source(say: (message: string) => void): Promise<FrameSource> {
    const { decode } = this.#plan;
    const last = this.#folder.segments.at(-1);
    if (!last) return FrameSource.open(decode);
    const lastNs = BigInt(last.lastPtsNs) + this.#zeroNs;
    const { start = 0, frames, info } = decode;
    const rest = { ...decode, frames: frames === undefined ? undefined : frames - this.frames };
    const near = Number(lastNs) / 1e9 - info.startTime - RUN_UP;
    const sought =
      SEEKABLE.test(info.format) && near > start ? await this.#after(lastNs, { ...rest, start: near }) : undefined;
    if (sought) return sought;
    if (near > start) say('the source is decoded from its beginning to find where to go on: it cannot be sought');
    const found = await this.#after(lastNs, rest);
    if (found) return found;
    throw new TinySRError('TSR_RESUME_MISMATCH', `${this.#options.input}: the last finished frame is not found again`, {
      hint: `Remove ${this.#folder.path} to start over.`,
    });
  }

  /** A source that goes on after a frame; undefined when that frame does not come. */
  async #after(lastNs: bigint, decode: DecodeOptions): Promise<FrameSource | undefined> {
    const { signal } = this.#options;
    const source = await FrameSource.open(decode);
    const stop = () => void source.close();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const found = !signal?.aborted && (await source.skipTo(lastNs));
      throwIfStopped(signal, 'stopped');
      if (found) return source;
      await source.close();
      return undefined;
    } catch (error) {
      await source.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** The error of a run that ends early, which has left what it finished. Told after everything is closed. */
  inItsWords(error: TinySRError): TinySRError {
    const { frames } = this;
    // Those two say themselves what to do.
    if (frames === 0 || ['TSR_RESUME_MISMATCH', 'TSR_OUTPUT_CLASH'].includes(error.code)) return error;
    const { totalFrames } = this.#plan;
    const kept = `after frame ${frames}${totalFrames === undefined ? '' : ` of ${Math.max(totalFrames, frames)}`}`;
    const goesOn = 'the same command goes on from there';
    if (error.code === 'TSR_INTERRUPTED') {
      return new TinySRError(error.code, `stopped ${kept}; ${goesOn}`, { cause: error.cause });
    }
    const hint = error.hint?.replace(/;? ?nothing was left behind\.?$/, '.').replace(/\.\.$/, '.');
    return new TinySRError(error.code, error.message, {
      hint: `${hint ? `${hint} ` : ''}All is kept up to ${kept.slice('after '.length)}; ${goesOn}.`,
      cause: error,
    });
  }

  /** Removes what is kept: the whole video has its name. */
  remove(): Promise<void> {
    return this.#folder.remove();
  }

  /** Keeps what is finished for the next run. Idempotent. */
  close(): Promise<void> {
    return this.#folder.release();
  }
}
