import { createHash } from 'node:crypto';
import { access, constants, link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { TinySRError } from '../shared/errors.js';

/** Name of this machine as far as a file name can hold it. */
const HOST = hostname()
  .replaceAll(/[^\w-]/g, '_')
  .slice(0, 32);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

let serial = 0;

/**
 * A file that appears under its name only when it is whole: written beside the target, renamed at the end. The
 * temporary's name tells target, machine and process, so that one left by a killed run is recognised.
 */
export class OutputFile {
  /** Where to write. */
  readonly temporary: string;
  readonly #target: string;
  readonly #overwrite: boolean;
  #settled = false;

  private constructor(target: string, temporary: string, overwrite: boolean) {
    this.#target = target;
    this.temporary = temporary;
    this.#overwrite = overwrite;
  }

  /**
   * Checks that the target can be written and removes temporaries that dead runs left for it.
   *
   * @throws TinySRError `TSR_OUTPUT_EXISTS`, `TSR_OUTPUT_UNWRITABLE`
   */
  static async prepare(target: string, overwrite: boolean): Promise<OutputFile> {
    const path = resolve(target);
    const folder = dirname(path);
    const unwritable = (reason: string, cause?: unknown) =>
      new TinySRError('TSR_OUTPUT_UNWRITABLE', `${target}: ${reason}`, {
        hint: 'Choose a folder that exists and that you may write to.',
        cause,
      });
    const existing = await stat(path).catch(() => undefined);
    if (existing?.isDirectory()) throw unwritable('is a folder');
    if (existing && !existing.isFile()) throw unwritable('is not a regular file');
    if (existing && !overwrite) {
      throw new TinySRError('TSR_OUTPUT_EXISTS', `${target}: exists already`, {
        hint: 'Give --overwrite to replace it, or another name.',
      });
    }
    const parent = await stat(folder).catch((cause: unknown) => {
      throw unwritable('its folder does not exist', cause);
    });
    if (!parent.isDirectory()) throw unwritable('its folder is not a folder');
    await access(folder, constants.W_OK).catch((cause: unknown) => {
      throw unwritable('no permission to write in its folder', cause);
    });
    const prefix = `.tinysr-${createHash('sha256').update(basename(path)).digest('hex').slice(0, 12)}-${HOST}-`;
    await removeStale(folder, prefix);
    serial += 1;
    return new OutputFile(path, join(folder, `${prefix}${process.pid}-${serial}.part`), overwrite);
  }

  /** Gives the finished file its name. @throws TinySRError `TSR_OUTPUT_EXISTS` when another appeared meanwhile */
  async commit(): Promise<void> {
    this.#settled = true;
    if (this.#overwrite) {
      await rename(this.temporary, this.#target);
      return;
    }
    try {
      // link fails when the name is taken, rename would replace it.
      await link(this.temporary, this.#target);
      await rm(this.temporary, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
        await rm(this.temporary, { force: true });
        throw new TinySRError('TSR_OUTPUT_EXISTS', `${this.#target}: was created by somebody else meanwhile`, {
          hint: 'Give --overwrite to replace it, or another name.',
        });
      }
      // Some file systems have no hard links.
      await rename(this.temporary, this.#target);
    }
  }

  /** Removes what was written, unless it was committed. Idempotent. */
  async discard(): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    await rm(this.temporary, { force: true });
  }
}

async function removeStale(folder: string, prefix: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix) || !name.endsWith('.part')) continue;
    const pid = Number.parseInt(name.slice(prefix.length), 10);
    if (Number.isInteger(pid) && pid > 0 && !isAlive(pid)) await rm(join(folder, name), { force: true });
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
