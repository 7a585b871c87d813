import { access, link, rename, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FrameSink } from '../../encode/frame-sink.js';
import { pictureArguments } from '../../encode/pictures/command.js';
import type { EncodePlan, PicturePlan } from '../../encode/plan.js';
import { syncFile } from '../../shared/durable.js';
import { TinySRError } from '../../shared/errors.js';
import { nameOf, type Pattern } from '../../shared/pattern.js';
import type { LineSink } from '../open-line.js';
import type { Met } from './segmented-sink.js';
import type { WorkFolder } from './work-folder.js';

/** Milliseconds after which the pictures that are whole are noted: what a power cut takes. */
const NOTE_MS = 10_000;

/** Pictures are numbered: what has been made before is known by its number. */
export interface NumberedPictures extends PicturePlan {
  readonly pattern: Pattern;
}

/**
 * Takes upscaled frames into numbered pictures, which wait in the work folder. A picture is kept as soon as it is noted; all
 * get their names at the end.
 */
export class PictureSink implements LineSink {
  readonly #plan: EncodePlan;
  readonly #pictures: NumberedPictures;
  readonly #folder: WorkFolder;
  readonly #target: string;
  readonly #noteFrames: number | undefined;
  readonly #met: () => Met;
  #sink: FrameSink | undefined;
  /** Times of the frames that are not noted yet, in order. */
  readonly #waiting: bigint[] = [];
  #notedAt = performance.now();
  #noting: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /**
   * @param target pattern that all pictures are given at the end
   * @param noteFrames frames after which pictures are noted; undefined: by the clock
   * @param met asked when pictures are noted
   */
  constructor(
    plan: EncodePlan,
    pictures: NumberedPictures,
    { folder, target }: { readonly folder: WorkFolder; readonly target: string },
    noteFrames: number | undefined,
    met: () => Met,
  ) {
    this.#plan = plan;
    this.#pictures = pictures;
    this.#folder = folder;
    this.#target = target;
    this.#noteFrames = noteFrames;
    this.#met = met;
  }

  /** Pictures have no other tracks. */
  readonly damage = { count: 0, first: undefined };

  #name(index: number): string {
    return nameOf(this.#pictures.pattern, this.#pictures.first + index);
  }

  #begin(): FrameSink {
    const done = this.#folder.frames;
    const { pattern, first, passed } = this.#pictures;
    const target = join(this.#folder.path, basename(pattern.text));
    const rest = { ...this.#pictures, first: first + done, passed: passed + done };
    return new FrameSink(this.#plan, target, pictureArguments(this.#plan, rest, target));
  }

  /** @throws TinySRError as {@link FrameSink.write} and {@link WorkFolder.note} */
  async write(frames: readonly Uint8Array[], ptsNs: readonly bigint[]): Promise<void> {
    if (this.#closed) throw new TinySRError('TSR_INTERRUPTED', 'stopped');
    this.#sink ??= this.#begin();
    this.#waiting.push(...ptsNs);
    await this.#sink.write(frames, ptsNs);
    const due =
      this.#noteFrames === undefined
        ? performance.now() - this.#notedAt >= NOTE_MS
        : this.#waiting.length >= this.#noteFrames;
    if (due && !this.#closed) await this.#note();
  }

  /** Notes pictures, one time after the other. */
  #note(): Promise<void> {
    this.#noting = this.#noting.catch(() => undefined).then(() => this.#noteWhole());
    return this.#noting;
  }

  /** Notes the pictures that have their names, which they get when they are whole. */
  async #noteWhole(): Promise<void> {
    this.#notedAt = performance.now();
    const met = this.#met();
    const from = this.#folder.frames;
    let whole = 0;
    while (whole < this.#waiting.length && (await isThere(join(this.#folder.path, this.#name(from + whole))))) {
      await syncFile(join(this.#folder.path, this.#name(from + whole)));
      whole += 1;
    }
    const last = this.#waiting[whole - 1];
    if (last === undefined) return;
    const file = this.#name(from + whole - 1);
    const { size: bytes } = await stat(join(this.#folder.path, file));
    await this.#folder.note({ file, bytes, frames: whole, lastPtsNs: String(last), ...met });
    this.#waiting.splice(0, whole);
  }

  /** Waits for the last picture and puts all of them where they are asked for. @throws as {@link write} */
  async finish(): Promise<void> {
    await this.#sink?.finish();
    await this.#note();
    if (this.#closed) return;
    const into = dirname(this.#target);
    for (let index = 0; index < this.#folder.frames; index += 1) {
      const name = this.#name(index);
      const [from, to] = [join(this.#folder.path, name), join(into, name)];
      // Both names, so that nothing is lost when this is ended before all have theirs. Some file systems give none.
      await link(from, to).catch(() => rename(from, to));
    }
  }

  /** Ends the encoder, when it has written what it was given: whatever ends the work, that is kept. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#sink?.finish().catch(() => undefined);
    await this.#note().catch(() => undefined);
    await this.#sink?.close();
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
