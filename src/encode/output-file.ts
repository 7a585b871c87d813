import { rmSync } from 'node:fs';
import { access, constants, lstat, mkdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { absolutePath } from '../shared/absolute-path.js';
import { syncFile } from '../shared/durable.js';
import { TinySRError } from '../shared/errors.js';
import { asLastResort } from '../shared/last-resort.js';
import { giveName, nameError, partPath } from './part.js';

/**
 * A file that appears under its name only when it is whole: written beside the target, renamed at the end.
 */
export class OutputFile {
  /** Where to write. */
  readonly temporary: string;
  readonly #target: string;
  readonly #overwrite: boolean;
  readonly #forget: () => void;

  private constructor(target: string, temporary: string, overwrite: boolean) {
    this.#target = target;
    this.temporary = temporary;
    this.#overwrite = overwrite;
    this.#forget = asLastResort(() => rmSync(temporary, { force: true }));
  }

  /**
   * Checks that the target can be written and removes temporaries that dead runs left for it.
   *
   * @throws TinySRError `TSR_OUTPUT_EXISTS`, `TSR_OUTPUT_UNWRITABLE`
   */
  static async prepare(target: string, overwrite: boolean): Promise<OutputFile> {
    const named = absolutePath(target);
    // A link stays one: what it leads to is replaced. One that leads nowhere is replaced itself.
    const path = overwrite ? await realpath(named).catch(() => named) : named;
    const folder = dirname(path);
    const unwritable = (
      reason: string,
      cause?: unknown,
      hint = 'Choose a folder that exists and that you may write to.',
    ) => new TinySRError('TSR_OUTPUT_UNWRITABLE', `${target}: ${reason}`, { hint, cause });
    const existing = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENAMETOOLONG') throw unwritable('the name is too long', error, 'Choose a shorter name.');
      // A link that leads nowhere takes the name all the same.
      return lstat(path).catch(() => undefined);
    });
    if (existing?.isDirectory())
      throw unwritable('is a folder', undefined, 'Give the name of a file in it, or the folder by --out-dir.');
    if (existing && !existing.isFile() && !existing.isSymbolicLink()) {
      const hint = 'To feed a pipe or a device, write to - and let the shell lead it there: … - > NAME.';
      throw unwritable('is not a regular file', undefined, hint);
    }
    if (existing && !overwrite) {
      throw new TinySRError('TSR_OUTPUT_EXISTS', `${target}: exists already`, {
        hint: 'Give --overwrite to replace it, or another name.',
      });
    }
    const parent = await stat(folder).catch((cause: NodeJS.ErrnoException) => {
      throw unwritable(
        cause.code === 'EACCES' ? 'no permission to enter its folder' : 'its folder does not exist',
        cause,
      );
    });
    if (!parent.isDirectory()) throw unwritable('its folder is not a folder');
    await access(folder, constants.W_OK).catch((cause: unknown) => {
      throw unwritable('no permission to write in its folder', cause);
    });
    return new OutputFile(path, await partPath(folder, basename(path)), overwrite);
  }

  /**
   * Gives the finished file its name. Whatever fails, the temporary is still the holder's to {@link discard}.
   *
   * @throws TinySRError `TSR_OUTPUT_EXISTS` when another appeared meanwhile, `TSR_OUTPUT_UNWRITABLE` when the folder or
   * the right to write went, `TSR_OUTPUT_DISK_FULL`
   * @returns warnings, of which there are none
   */
  async commit(): Promise<readonly string[]> {
    try {
      await syncFile(this.temporary);
      await giveName(this.temporary, this.#target, this.#overwrite);
    } catch (cause) {
      throw nameError(this.#target, cause as NodeJS.ErrnoException, false);
    }
    await rm(this.temporary, { force: true }).catch(() => undefined);
    this.#forget();
    return [];
  }

  /** Removes what was written; what was committed stays. Idempotent. */
  async discard(): Promise<void> {
    // After a commit the temporary's name is no file any more.
    await rm(this.temporary, { force: true });
    this.#forget();
  }
}

/** Creates the folder of outputs. @throws TinySRError `TSR_OUTPUT_UNWRITABLE` */
export async function ensureFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause: unknown) => {
    throw new TinySRError('TSR_OUTPUT_UNWRITABLE', `${path}: the folder cannot be created`, {
      hint: 'Choose another --out-dir.',
      cause,
    });
  });
}
