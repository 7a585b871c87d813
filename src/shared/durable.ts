import { open, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** How a file system says that it cannot be asked to write now. */
const UNSYNCED = ['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'];
/** How a system says that folders are not opened as files are. */
const NO_FOLDERS = ['EISDIR', 'EPERM', 'EACCES', 'EBADF'];

async function sync(path: string, flags: string, forgiven: readonly string[]): Promise<void> {
  try {
    const file = await open(path, flags);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    // File systems without it have nothing better to offer.
    if (!forgiven.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Waits until the disk has a file's bytes: after a loss of power a name must not stand for what had not reached it. */
export function syncFile(path: string): Promise<void> {
  return sync(path, 'r+', UNSYNCED);
}

/** Waits until the disk has the names in a folder. */
export function syncFolder(path: string): Promise<void> {
  return sync(path, 'r', [...UNSYNCED, ...NO_FOLDERS]);
}

/** Gives a file, whose bytes the disk has, its name, and waits until the disk has that too. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

/** Replaces a file by a text: whatever happens meanwhile, it holds the old one or the new one. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.part`;
  await writeFile(temporary, text);
  await syncFile(temporary);
  await renameDurably(temporary, path);
}
