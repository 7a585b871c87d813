import type { FileHandle } from 'node:fs/promises';
import { firstDirectory } from './tiff-directory.js';

/** An entry of a directory of TIFF or Exif. */
export interface TiffEntry {
  /** Kind of its numbers, as TIFF counts them. */
  readonly kind: number;
  readonly count: number;
  /** The numbers themselves, first one first, or where in the file they are. */
  readonly value: number;
  /** The first number where it is one of two bytes. */
  readonly short: number;
}

/** The entry of a tag in the first directory of a TIFF structure that begins at `base`; undefined where there is none. */
export async function tiffEntry(file: FileHandle, base: number, tag: number): Promise<TiffEntry | undefined> {
  const { order, entries } = (await firstDirectory(file, base)) ?? {};
  const entry = order && entries?.find((one) => order.short(one, 0) === tag);
  return (
    entry && {
      kind: order.short(entry, 2),
      count: order.long(entry, 4),
      value: order.long(entry, 8),
      short: order.short(entry, 8),
    }
  );
}
