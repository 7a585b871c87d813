import { rmSync } from 'node:fs';
import { access, constants, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { absolutePath } from '../../shared/absolute-path.js';
import { syncFile, syncFolder } from '../../shared/durable.js';
import { TinySRError } from '../../shared/errors.js';
import { asLastResort } from '../../shared/last-resort.js';
import { nameOf, numberOf, type Pattern } from '../../shared/pattern.js';
import { giveName, nameError, partPath } from '../part.js';

const HINT = 'Choose a folder that you may write to.';

function unwritable(target: string, reason: string, cause?: unknown): TinySRError {
  return new TinySRError('TSR_OUTPUT_UNWRITABLE', `${target}: ${reason}`, { hint: HINT, cause });
}

/** Makes the folder when it is not there. @returns the first of the folders made, undefined when none was */
async function makeFolder({ text, folder }: Pattern): Promise<string | undefined> {
  const made = await mkdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw unwritable(
      text,
      cause.code === 'EEXIST' || cause.code === 'ENOTDIR' ? 'its folder is a file' : 'its folder cannot be created',
      cause,
    );
  });
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw unwritable(text, 'no permission to write in its folder', cause);
  });
  return made;
}

/**
 * Numbered pictures that appear under their names when all of them are there: written into a hidden folder beside them, and
 * moved at the end.
 */
export class PictureFolder {
  /** The pattern to write. */
  readonly temporary: string;
  readonly #pattern: Pattern;
  readonly #part: string;
  readonly #overwrite: boolean;
  /** A folder that was made for the pictures and goes when none come. */
  readonly #made: string | undefined;
  readonly #forget: () => void;

  private constructor(pattern: Pattern, part: string, overwrite: boolean, made: string | undefined) {
    this.#pattern = pattern;
    this.#part = part;
    this.#overwrite = overwrite;
    this.#made = made;
    this.temporary = join(part, basename(pattern.text));
    this.#forget = asLastResort(() => rmSync(part, { recursive: true, force: true }));
  }

  /**
   * Checks that the pictures can be written, and removes what dead runs left. The folder is made when it is not there.
   *
   * @throws TinySRError `TSR_OUTPUT_EXISTS` for pictures of the pattern, whatever their number, `TSR_OUTPUT_UNWRITABLE`
   */
  static async prepare(pattern: Pattern, overwrite: boolean): Promise<PictureFolder> {
    const { folder, text } = pattern;
    const made = await makeFolder(pattern);
    const names = await readdir(folder).catch((cause: unknown) => {
      throw unwritable(text, 'its folder cannot be read', cause);
    });
    const taken = names.filter((name) => numberOf(pattern, name) !== undefined);
    if (taken.length && !overwrite) {
      const more = taken.length > 1 ? ` and ${taken.length - 1} more exist` : ' exists';
      throw new TinySRError('TSR_OUTPUT_EXISTS', `${join(folder, taken.toSorted()[0] ?? '')}${more} already`, {
        hint: 'Give --overwrite to replace them, or another folder.',
      });
    }
    const part = await partPath(folder, basename(text));
    await mkdir(part).catch((cause: NodeJS.ErrnoException) => {
      throw unwritable(text, `no folder can be made in its folder (${cause.code})`, cause);
    });
    return new PictureFolder(pattern, part, overwrite, made);
  }

  /** Names of the pictures written so far, by number. */
  async #written(): Promise<number[]> {
    const names = await readdir(this.#part);
    return names.flatMap((name) => numberOf(this.#pattern, name) ?? []).sort((a, b) => a - b);
  }

  /**
   * Gives all pictures their names. When that fails, those that have theirs lose it again, but for what replaced others.
   *
   * @returns warnings
   * @throws TinySRError `TSR_OUTPUT_EXISTS` when another appeared meanwhile, `TSR_OUTPUT_UNWRITABLE`,
   * `TSR_OUTPUT_DISK_FULL`
   */
  async commit(): Promise<readonly string[]> {
    const { folder } = this.#pattern;
    const named: string[] = [];
    try {
      const numbers = await this.#written();
      for (const number of numbers) await syncFile(join(this.#part, nameOf(this.#pattern, number)));
      for (const number of numbers) {
        const name = nameOf(this.#pattern, number);
        await giveName(join(this.#part, name), join(folder, name), this.#overwrite);
        named.push(name);
      }
      await syncFolder(folder);
      await rm(this.#part, { recursive: true, force: true }).catch(() => undefined);
      this.#forget();
      return this.#overwrite ? await this.#others(new Set(named)) : [];
    } catch (cause) {
      if (!this.#overwrite)
        for (const name of named) await rm(join(folder, name), { force: true }).catch(() => undefined);
      throw nameError(this.#pattern.text, cause as NodeJS.ErrnoException, true);
    }
  }

  /** Tells of pictures that earlier runs left beyond the new ones: a player would show them, too. */
  async #others(named: ReadonlySet<string>): Promise<string[]> {
    const { folder, text } = this.#pattern;
    const all = (await readdir(folder)).filter((name) => numberOf(this.#pattern, name) !== undefined);
    const rest = all.filter((name) => !named.has(name)).sort();
    return rest.length ? [`${text}: ${rest.length} older pictures are there besides the new ones (${rest[0]} …)`] : [];
  }

  /** Removes what was written; what was committed stays. Idempotent. */
  async discard(): Promise<void> {
    await rm(this.#part, { recursive: true, force: true });
    this.#forget();
    if (this.#made !== undefined) await this.#removeEmpty(this.#made);
  }

  /** Removes the folders that were made, inmost first, as far as nobody has put anything into them. */
  async #removeEmpty(made: string): Promise<void> {
    const last = absolutePath(made);
    let folder = absolutePath(this.#pattern.folder);
    const removed = () =>
      rmdir(folder).then(
        () => true,
        () => false,
      );
    while ((await removed()) && folder !== last) folder = dirname(folder);
  }
}
