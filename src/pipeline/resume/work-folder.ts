import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { absolutePath } from '../../shared/absolute-path.js';
import { renameDurably, syncFile, syncFolder, writeDurably } from '../../shared/durable.js';
import { isFullDisk, TinySRError } from '../../shared/errors.js';
import { OWNER } from '../../shared/owner-name.js';
import { changes } from './fingerprint.js';
import { FolderLock } from './folder-lock.js';
import { type Manifest, readManifest, type Segment } from './manifest.js';

const MANIFEST = 'manifest.json';

/** Where the finished pieces of an output are kept. */
export function workFolderOf(output: string): string {
  const path = absolutePath(output);
  return join(dirname(path), `.${basename(path)}.tinysr-resume`);
}

/** Whether finished pieces of an output wait for the others. */
export async function hasWork(output: string): Promise<boolean> {
  return (await stat(join(workFolderOf(output), MANIFEST)).catch(() => undefined)) !== undefined;
}

/** What a failure to write in the folder means. */
function unwritable(path: string, cause: unknown): TinySRError {
  if (cause instanceof TinySRError) return cause;
  if (isFullDisk(cause)) {
    const hint = 'Free some space and run the same again: finished pieces are kept.';
    return new TinySRError('TSR_OUTPUT_DISK_FULL', `${path}: the disk is full`, { hint, cause });
  }
  const { code } = cause as NodeJS.ErrnoException;
  return new TinySRError('TSR_OUTPUT_UNWRITABLE', `${path}: cannot be written (${code ?? String(cause)})`, {
    hint: 'With --resume, finished pieces are kept there: choose a place that you may write to, or a shorter name.',
    cause,
  });
}

/** The folder beside an output in which its finished segments wait for the others; one run at a time has it. */
export class WorkFolder {
  readonly path: string;
  readonly #output: string;
  readonly #lock: FolderLock;
  #manifest: Manifest;
  /** Segments begun by this run: files of others are never touched. */
  #begun = 0;

  private constructor(output: string, lock: FolderLock, manifest: Manifest) {
    this.path = workFolderOf(output);
    this.#output = output;
    this.#lock = lock;
    this.#manifest = manifest;
  }

  /**
   * Takes the folder, made when it is not there.
   *
   * @param made what segments are made from and how
   * @throws TinySRError `TSR_RESUME_MISMATCH` when the segments in it were made otherwise, `TSR_OUTPUT_CLASH` while
   * another run has it, `TSR_OUTPUT_UNWRITABLE`, `TSR_OUTPUT_DISK_FULL`
   */
  static async take(output: string, made: Readonly<Record<string, string>>): Promise<WorkFolder> {
    const path = workFolderOf(output);
    let lock: FolderLock | undefined;
    try {
      await mkdir(path, { recursive: true });
      await syncFolder(dirname(path));
      lock = await FolderLock.take(path, output);
      const found = await readManifest(join(path, MANIFEST)).catch((cause: unknown) => {
        throw mismatch(output, 'what is written about its finished pieces cannot be read', cause);
      });
      const changed = changes(found?.made ?? made, made);
      if (changed.length) throw mismatch(output, `not as it was: ${changed.join(', ')}`);
      const folder = new WorkFolder(output, lock, { version: 1, made: { ...made }, segments: [] });
      await folder.#keep(found?.segments ?? []);
      return folder;
    } catch (cause) {
      await lock?.release();
      // What others have put there keeps it.
      await rmdir(path).catch(() => undefined);
      throw unwritable(path, cause);
    }
  }

  /** Takes over the segments that are whole, up to the first that is not, and removes all other files. */
  async #keep(segments: readonly Segment[]): Promise<void> {
    for (const segment of segments) {
      const file = await stat(join(this.path, segment.file)).catch(() => undefined);
      if (file?.size !== segment.bytes) break;
      this.#manifest.segments.push(segment);
    }
    const kept = new Set(this.#manifest.segments.map(({ file }) => file));
    const stale = (await readdir(this.path)).filter((name) => /\.(part|seg)$/.test(name) && !kept.has(name));
    for (const name of stale) await rm(join(this.path, name), { force: true });
  }

  /** Finished segments, in order. */
  get segments(): readonly Segment[] {
    return this.#manifest.segments;
  }

  /** Frames that are finished for good. */
  get frames(): number {
    return this.segments.reduce((sum, { frames }) => sum + frames, 0);
  }

  /** Their files. */
  get files(): string[] {
    return this.segments.map(({ file }) => join(this.path, file));
  }

  /** Where the next segment is written until it is finished: an encoder that a killed run left may still write to its own. */
  nextPart(): string {
    this.#begun += 1;
    return join(this.path, `${OWNER}-${this.#begun}.part`);
  }

  /**
   * Adds a finished segment; from then on no later run makes its frames again.
   *
   * @throws TinySRError as {@link take}
   */
  async add(part: string, what: Omit<Segment, 'file' | 'bytes'>): Promise<void> {
    try {
      await this.#requireLock();
      await syncFile(part);
      const { size: bytes } = await stat(part);
      const file = `${String(this.segments.length).padStart(6, '0')}.seg`;
      await renameDurably(part, join(this.path, file));
      await this.#write([...this.segments, { ...what, file, bytes }]);
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
  }

  /**
   * Notes pictures that are in the folder already, the disk has their bytes: from then on no later run makes them again.
   *
   * @throws TinySRError as {@link take}
   */
  async note(pictures: Segment): Promise<void> {
    try {
      await this.#requireLock();
      await syncFolder(this.path);
      // One entry for all: with one for every few, the manifest would grow with each that is written.
      const { frames } = this;
      await this.#write([{ ...pictures, frames: frames + pictures.frames }]);
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
  }

  async #requireLock(): Promise<void> {
    if (await this.#lock.isHeld()) return;
    throw new TinySRError('TSR_OUTPUT_CLASH', `${this.#output}: another run has taken it over`, {
      hint: 'This one was stopped for so long that it seemed dead.',
    });
  }

  async #write(segments: Segment[]): Promise<void> {
    await writeDurably(join(this.path, MANIFEST), `${JSON.stringify({ ...this.#manifest, segments }, null, 1)}\n`);
    this.#manifest = { ...this.#manifest, segments };
  }

  /** Removes the folder with all that is in it. */
  async remove(): Promise<void> {
    // What is no longer written down is rubbish to the next run, should this one be killed now.
    await rm(join(this.path, MANIFEST), { force: true }).catch(() => undefined);
    await rm(this.path, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Gives the folder free; one without segments goes. Idempotent. */
  async release(): Promise<void> {
    await this.#lock.release();
    if (this.segments.length === 0) await rmdir(this.path).catch(() => undefined);
  }
}

function mismatch(output: string, what: string, cause?: unknown): TinySRError {
  return new TinySRError('TSR_RESUME_MISMATCH', `${output}: cannot go on where an earlier run stopped: ${what}`, {
    hint: `Give the same command and source as then, or remove ${workFolderOf(output)} to start over.`,
    cause,
  });
}
