import { open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TinySRError } from '../../shared/errors.js';
import { isLeftBehind, MACHINE_PREFIX, OWNER } from '../../shared/owner-name.js';

const PREFIX = 'lock-';
/** How often a holder shows that it lives. */
const BEAT_MS = 20_000;
/** How long a holder may be silent. A process id alone proves nothing: after a restart another program may have it. */
const SILENT_MS = 120_000;

/** Locks of this process, by path. */
const held = new Set<string>();
let serial = 0;

/**
 * Keeps a folder to one run. Each run puts a file of its own into the folder and then looks for others': two that come at
 * once may both be refused, but never both have it.
 */
export class FolderLock {
  readonly #path: string;
  readonly #beat: NodeJS.Timeout;

  private constructor(path: string) {
    this.#path = path;
    this.#beat = setInterval(() => void touch(path).catch(() => undefined), BEAT_MS).unref();
  }

  /**
   * Takes a folder, and removes the locks of runs that have ended.
   *
   * @param output what the folder belongs to, for messages
   * @throws TinySRError `TSR_OUTPUT_CLASH` while another run has it
   */
  static async take(folder: string, output: string): Promise<FolderLock> {
    serial += 1;
    const path = join(folder, `${PREFIX}${OWNER}-${serial}`);
    held.add(path);
    const lock = new FolderLock(path);
    try {
      // Of a full disk there is room for the name.
      await writeFile(path, 'in use\n');
      await lock.#refuseOthers(folder, output);
      return lock;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  async #refuseOthers(folder: string, output: string): Promise<void> {
    // The file system's own clock, which is that of the others' files.
    const now = (await stat(this.#path)).mtimeMs;
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if (!name.startsWith(PREFIX) || path === this.#path) continue;
      if (!(await isLive(path, name, now))) {
        await rm(path, { force: true });
        continue;
      }
      throw new TinySRError('TSR_OUTPUT_CLASH', `${output}: another run is writing it`, {
        hint: `Wait until it is done; if there is none, try again in ${SILENT_MS / 60_000} minutes, or remove ${path}.`,
      });
    }
  }

  /** Whether nobody took the folder for abandoned, as while this process was stopped for long. */
  async isHeld(): Promise<boolean> {
    return (await stat(this.#path).catch(() => undefined)) !== undefined;
  }

  /** Gives the folder free. Idempotent. */
  async release(): Promise<void> {
    clearInterval(this.#beat);
    held.delete(this.#path);
    await rm(this.#path, { force: true });
  }
}

/** Writes a lock anew; one that is gone stays so. */
async function touch(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.write('in use\n', 0).finally(() => file.close());
}

async function isLive(path: string, name: string, now: number): Promise<boolean> {
  if (held.has(path)) return true;
  // An earlier process of the same number, as in containers.
  if (name.startsWith(`${PREFIX}${OWNER}-`)) return false;
  if (isLeftBehind(name, PREFIX + MACHINE_PREFIX)) return false;
  const seen = await stat(path).catch(() => undefined);
  return seen !== undefined && now - seen.mtimeMs < SILENT_MS;
}
