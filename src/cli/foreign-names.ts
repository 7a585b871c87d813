import { readdir, realpath, symlink } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { type ScratchFolder, scratchFolder } from '../pipeline/spool.js';

/** A file that is to be upscaled. */
export interface InputFile {
  /** Where it is opened. */
  readonly path: string;
  /** What the user is told of it, and what its output is called after. */
  readonly shown: string;
}

/** A name in a folder as Node can say it, and its bytes where it cannot. */
export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly bytes: Buffer | undefined;
}

/** Western names of old disks; every byte is some letter in it. */
const OLD_NAMES = new TextDecoder('windows-1252');

/** What is in a folder. A name that is no UTF-8, which Node's strings cannot hold, is read as Windows wrote it. */
export async function entriesOf(folder: string): Promise<FolderEntry[]> {
  const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' });
  return entries.map((entry) => {
    const { name } = entry;
    const text = name.toString();
    const isUtf8 = Buffer.from(text).equals(name);
    return {
      name: isUtf8 ? text : OLD_NAMES.decode(name),
      isFolder: entry.isDirectory(),
      bytes: isUtf8 ? undefined : name,
    };
  });
}

/**
 * Gives files with names that are no UTF-8 others by which they can be opened: programs are started with strings, which
 * cannot say them. The links lie in a temporary folder.
 */
export class ForeignNames {
  #folder: Promise<ScratchFolder> | undefined;
  #count = 0;

  /** The path of an entry: its own, or that of a link to it. @throws TinySRError as {@link scratchFolder} */
  async pathOf(folder: string, { name, bytes }: FolderEntry): Promise<string> {
    if (!bytes) return join(folder, name);
    this.#folder ??= scratchFolder();
    const { path } = await this.#folder;
    this.#count += 1;
    // The extension stays, as ffmpeg looks at it, but for what no name of ours has.
    const extension = /^\.\w+$/.exec(extname(name))?.[0] ?? '';
    const link = join(path, `${this.#count}${extension}`);
    const parent = await realpath(folder, { encoding: 'buffer' });
    await symlink(Buffer.concat([parent, Buffer.from('/'), bytes]), link);
    return link;
  }

  /** Removes the links. */
  async close(): Promise<void> {
    await (await this.#folder?.catch(() => undefined))?.remove();
  }
}
