import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TinySRError } from '../shared/errors.js';

/** A folder for intermediate files, removed with everything in it by `remove`. */
export interface ScratchFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** Creates an empty folder under the system's temporary one. */
export async function scratchFolder(): Promise<ScratchFolder> {
  const path = await mkdtemp(join(tmpdir(), 'tinysr-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Writes a stream to a file once, as the source is read several times: for its frames and for its other tracks.
 *
 * @throws TinySRError `TSR_OUTPUT_DISK_FULL` when the temporary folder is full, `TSR_INPUT_EMPTY`, `TSR_INTERRUPTED`
 */
export async function spool(stream: Readable, folder: string, signal?: AbortSignal): Promise<string> {
  const path = join(folder, 'stdin');
  const file = createWriteStream(path, { mode: 0o600 });
  try {
    await pipeline(stream, file, signal ? { signal } : {});
  } catch (cause) {
    if (signal?.aborted) throw new TinySRError('TSR_INTERRUPTED', 'stopped while reading stdin', { cause });
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
    throw new TinySRError('TSR_OUTPUT_DISK_FULL', `${folder}: no room for the video from stdin`, {
      hint: 'Set TMPDIR to a larger disk, or give the video as a file.',
      cause,
    });
  }
  if (file.bytesWritten > 0) return path;
  throw new TinySRError('TSR_INPUT_EMPTY', 'stdin: no bytes came', { hint: 'Pipe a video into it.' });
}
