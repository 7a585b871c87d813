import type { FileHandle } from 'node:fs/promises';
import { bytesAt } from './chunks.js';

/** Entries of a directory beyond which nobody writes them: hostile files end there. */
const MOST = 512;
/** Bytes of an entry: tag, kind, count, value. */
const ENTRY = 12;

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
  const header = await bytesAt(file, base, 8);
  const mark = header.toString('latin1', 0, 4);
  if (header.length < 8 || (mark !== 'II*\0' && mark !== 'MM\0*')) return undefined;
  const little = mark.startsWith('II');
  const short = (from: Buffer, at: number) => (little ? from.readUInt16LE(at) : from.readUInt16BE(at));
  const long = (from: Buffer, at: number) => (little ? from.readUInt32LE(at) : from.readUInt32BE(at));
  const directory = base + long(header, 4);
  const count = await bytesAt(file, directory, 2);
  if (count.length < 2) return undefined;
  const entries = await bytesAt(file, directory + 2, ENTRY * Math.min(short(count, 0), MOST));
  for (let at = 0; at + ENTRY <= entries.length; at += ENTRY) {
    if (short(entries, at) !== tag) continue;
    return {
      kind: short(entries, at + 2),
      count: long(entries, at + 4),
      value: long(entries, at + 8),
      short: short(entries, at + 8),
    };
  }
  return undefined;
}
