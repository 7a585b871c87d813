import { createHash } from 'node:crypto';
import { link, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isFullDisk, TinySRError } from '../shared/errors.js';
import { isLeftBehind, MACHINE_PREFIX, OWNER } from '../shared/owner-name.js';

let serial = 0;

/**
 * Path for what is written beside an output until it is whole. Its name tells output, machine and process, so that what a
 * killed run left is recognised; such is removed.
 *
 * @param name of the output in its folder
 */
export async function partPath(folder: string, name: string): Promise<string> {
  const prefix = `.tinysr-${createHash('sha256').update(name).digest('hex').slice(0, 12)}-`;
  for (const other of await readdir(folder).catch(() => [])) {
    if (!other.endsWith('.part') || !isLeftBehind(other, prefix + MACHINE_PREFIX)) continue;
    // In a folder of many users another's may not be removed, and stays.
    await rm(join(folder, other), { recursive: true, force: true }).catch(() => undefined);
  }
  serial += 1;
  return join(folder, `${prefix}${OWNER}-${serial}.part`);
}

/** Gives a whole file its name. Without `overwrite` a name that is taken is an error, `EEXIST`. */
export async function giveName(from: string, to: string, overwrite: boolean): Promise<void> {
  if (overwrite) return rename(from, to);
  try {
    // link fails when the name is taken, rename would replace it.
    return await link(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    // Some file systems have no hard links.
    return rename(from, to);
  }
}

/**
 * What it means that files did not get their names.
 *
 * @param target the output as the user calls it
 * @param many whether it is several files in a folder
 */
export function nameError(target: string, cause: NodeJS.ErrnoException, many: boolean): TinySRError {
  if (cause.code === 'EEXIST') {
    return new TinySRError(
      'TSR_OUTPUT_EXISTS',
      `${target}: ${many ? 'a picture was' : 'was'} created by somebody else meanwhile`,
      { hint: `Give --overwrite to replace it, or another ${many ? 'folder' : 'name'}.`, cause },
    );
  }
  if (isFullDisk(cause)) {
    return new TinySRError('TSR_OUTPUT_DISK_FULL', `${target}: the disk is full`, {
      hint: 'Free some space, or write to another disk; nothing was left behind.',
      cause,
    });
  }
  const went = cause.code === 'ENOENT';
  const nameless = `cannot get ${many ? 'their names' : 'its name'} (${cause.code})`;
  return new TinySRError(
    'TSR_OUTPUT_UNWRITABLE',
    `${target}: ${went ? 'its folder went while it was written' : nameless}`,
    { hint: 'Choose a folder that stays and that you may write to.', cause },
  );
}
