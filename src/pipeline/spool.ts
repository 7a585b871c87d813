import { createWriteStream, rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isFullDisk, TinySRError } from '../shared/errors.js';
import { asLastResort } from '../shared/last-resort.js';
import { isLeftBehind, MACHINE_PREFIX, OWNER } from '../shared/owner-name.js';

/** A folder for intermediate files, removed with everything in it by `remove`. */
export interface ScratchFolder {
  readonly path: string;
  remove(): Promise<void>;
}

const PREFIX = 'tinysr-';
const LARGER_TMPDIR = 'Set TMPDIR to a folder with more room, or give the video as a file.';

/** A killed run may have left gigabytes of a video that came by stdin. */
async function removeStale(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  const stale = names.filter((name) => isLeftBehind(name, PREFIX + MACHINE_PREFIX));
  // Another user's may not be removed, and stays.
  await Promise.all(
    stale.map((name) => rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined)),
  );
}

/**
 * Creates an empty folder under the system's temporary one, and removes those that dead runs left there.
 *
 * @throws TinySRError `TSR_OUTPUT_DISK_FULL`, `TSR_OUTPUT_UNWRITABLE`
 */
export async function scratchFolder(): Promise<ScratchFolder> {
  const parent = tmpdir();
  await removeStale(parent);
  const path = await mkdtemp(join(parent, `${PREFIX}${OWNER}-`)).catch((cause: NodeJS.ErrnoException) => {
    if (isFullDisk(cause)) {
      throw new TinySRError('TSR_OUTPUT_DISK_FULL', `${parent}: no room for a temporary folder`, {
        hint: LARGER_TMPDIR,
        cause,
      });
    }
    throw new TinySRError('TSR_OUTPUT_UNWRITABLE', `${parent}: no temporary folder can be made (${cause.code})`, {
      hint: 'Set TMPDIR to a folder that exists and that you may write to.',
      cause,
    });
  });
  const forget = asLastResort(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true });
      forget();
    },
  };
}

/** Copies of the source that lie in a scratch folder. */
export const COPIES = { stdin: 'stdin', mended: 'mended' } as const;

/** The error with the source called as the user calls it: its copies have names that nobody knows. */
export function inUsersWords(error: TinySRError, scratch: string | undefined, input: string): TinySRError {
  if (scratch === undefined) return error;
  const name = input === '-' ? 'stdin' : input;
  const message = Object.values(COPIES).reduce(
    (text, copy) => text.replaceAll(join(scratch, copy), name),
    error.message,
  );
  if (message === error.message) return error;
  return new TinySRError(error.code, message, { ...(error.hint !== undefined && { hint: error.hint }), cause: error });
}

/** What a failed copy of stdin means. */
function spoolError(cause: NodeJS.ErrnoException, folder: string): TinySRError {
  if (isFullDisk(cause)) {
    return new TinySRError('TSR_OUTPUT_DISK_FULL', `${folder}: no room for the video from stdin`, {
      hint: LARGER_TMPDIR,
      cause,
    });
  }
  if (cause.syscall === 'read') {
    return new TinySRError('TSR_INPUT_UNREADABLE', `stdin: cannot be read (${cause.code})`, {
      hint: 'Pipe a video into it, or give the video as a file.',
      cause,
    });
  }
  return new TinySRError('TSR_OUTPUT_UNWRITABLE', `${folder}: cannot be written (${cause.code ?? cause.message})`, {
    hint: 'Set TMPDIR to a folder that you may write to.',
    cause,
  });
}

/**
 * Writes a stream to a file once, as the source is read several times: for its frames and for its other tracks.
 *
 * @throws TinySRError `TSR_OUTPUT_DISK_FULL` when the temporary folder is full, `TSR_OUTPUT_UNWRITABLE`,
 * `TSR_INPUT_UNREADABLE`, `TSR_INPUT_EMPTY`, `TSR_INTERRUPTED`
 */
export async function spool(stream: Readable, folder: string, signal?: AbortSignal): Promise<string> {
  const path = join(folder, COPIES.stdin);
  const file = createWriteStream(path, { mode: 0o600 });
  try {
    await pipeline(stream, file, signal ? { signal } : {});
  } catch (cause) {
    if (signal?.aborted) throw new TinySRError('TSR_INTERRUPTED', 'stopped while reading stdin', { cause });
    throw spoolError(cause as NodeJS.ErrnoException, folder);
  }
  if (file.bytesWritten > 0) return path;
  throw new TinySRError('TSR_INPUT_EMPTY', 'stdin: no bytes came', { hint: 'Pipe a video into it.' });
}
