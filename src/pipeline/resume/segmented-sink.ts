import { rm } from 'node:fs/promises';
import { segmentArguments } from '../../encode/command.js';
import { FrameSink } from '../../encode/frame-sink.js';
import { SegmentJoiner } from '../../encode/join-segments.js';
import type { EncodePlan } from '../../encode/plan.js';
import { TinySRError } from '../../shared/errors.js';
import type { LineSink } from '../open-line.js';
import type { Segment } from './manifest.js';
import type { WorkFolder } from './work-folder.js';

/** A segment is a minute's work, which is what a power cut takes, … */
const SEGMENT_MS = 60_000;
/** … unless the work is so slow that key frames, one a segment, would be most of the file. */
const LEAST_FRAMES = 50;
/** Frames below which it is not worth it to keep what was under way: encoders give so few another decoding order, too. */
const KEPT_FRAMES = 8;

/** What a source has met so far. */
export type Met = Pick<Segment, 'damaged' | 'firstDamage' | 'repaired'>;

/** Is told how far the segments are joined. */
export type Joining = (bytes: number, totalBytes: number) => void;

/** A segment being written. */
interface OpenSegment {
  readonly sink: FrameSink;
  readonly part: string;
  readonly begun: number;
  frames: number;
  lastPtsNs: bigint;
}

/**
 * Takes upscaled frames into one encoder after the other, each for a segment. A segment is finished while the next one is
 * written already, and joined with the others and the source's other tracks at the end.
 */
export class SegmentedSink implements LineSink {
  readonly #plan: EncodePlan;
  readonly #folder: WorkFolder;
  readonly #target: string;
  readonly #segmentFrames: number | undefined;
  readonly #met: () => Met;
  readonly #joining: Joining;
  #current: OpenSegment | undefined;
  /** Segments whose encoders run. */
  readonly #open = new Set<OpenSegment>();
  /** Resolves when all segments that are full are in the folder. */
  #finished: Promise<void> = Promise.resolve();
  #joiner: SegmentJoiner | undefined;
  #closed: Promise<void> | undefined;

  /**
   * @param target path that the joined video is written to
   * @param segmentFrames frames after which a segment is full; undefined: a minute's work
   * @param met asked when a segment is full
   * @param joining told several times a second while segments are joined
   */
  constructor(
    plan: EncodePlan,
    folder: WorkFolder,
    target: string,
    segmentFrames: number | undefined,
    met: () => Met,
    joining: Joining,
  ) {
    this.#plan = plan;
    this.#folder = folder;
    this.#target = target;
    this.#segmentFrames = segmentFrames;
    this.#met = met;
    this.#joining = joining;
  }

  /** Damaged places met in tracks that are converted, which is done when segments are joined. */
  get damage(): { readonly count: number; readonly first: string | undefined } {
    return this.#joiner?.damage ?? { count: 0, first: undefined };
  }

  /** @throws TinySRError as {@link FrameSink.write} and {@link WorkFolder.add} */
  async write(frames: readonly Uint8Array[], ptsNs: readonly bigint[]): Promise<void> {
    if (this.#closed) throw new TinySRError('TSR_INTERRUPTED', 'stopped');
    this.#current ??= this.#begin(ptsNs[0] ?? 0n);
    const segment = this.#current;
    segment.frames += frames.length;
    segment.lastPtsNs = ptsNs.at(-1) ?? segment.lastPtsNs;
    await segment.sink.write(frames, ptsNs);
    if (!this.#isFull(segment) || this.#closed) return;
    // One encoder at most is behind: a slow one slows the line, as without segments.
    await this.#finished;
    this.#finishCurrent();
  }

  #begin(firstPtsNs: bigint): OpenSegment {
    const part = this.#folder.nextPart();
    const sink = new FrameSink(this.#plan, part, segmentArguments(this.#plan, part, firstPtsNs));
    const segment = { sink, part, begun: performance.now(), frames: 0, lastPtsNs: 0n };
    this.#open.add(segment);
    return segment;
  }

  #isFull({ frames, begun }: OpenSegment): boolean {
    if (this.#segmentFrames !== undefined) return frames >= this.#segmentFrames;
    return frames >= LEAST_FRAMES && performance.now() - begun >= SEGMENT_MS;
  }

  #finishCurrent(): void {
    const segment = this.#current;
    if (!segment) return;
    this.#current = undefined;
    const met = this.#met();
    this.#finished = this.#finished.then(() => this.#finish(segment, met));
    // Whoever waits next is told.
    this.#finished.catch(() => undefined);
  }

  async #finish(segment: OpenSegment, met: Met): Promise<void> {
    const { sink, part, frames, lastPtsNs } = segment;
    await sink.finish();
    await this.#folder.add(part, { frames, lastPtsNs: String(lastPtsNs), ...met });
    this.#open.delete(segment);
  }

  /** Finishes the last segment and writes the joined video. @throws as {@link write} */
  async finish(): Promise<void> {
    this.#finishCurrent();
    await this.#finished;
    if (this.#closed) return;
    this.#joiner = new SegmentJoiner(this.#plan, this.#target);
    const total = this.#folder.segments.reduce((sum, { bytes }) => sum + bytes, 0);
    await this.#joiner.join(this.#folder.files, (taken) => this.#joining(taken, total));
  }

  /** Ends all encoders. What they have taken is kept as far as they can finish it: whatever ends the work. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#joiner?.close();
    if (this.#current && this.#current.frames >= KEPT_FRAMES) this.#finishCurrent();
    await this.#finished.catch(() => undefined);
    for (const { sink, part } of this.#open) {
      await sink.close();
      await rm(part, { force: true }).catch(() => undefined);
    }
  }
}
