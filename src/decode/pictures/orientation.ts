import { type FileHandle, open } from 'node:fs/promises';
import { bytesAt } from './chunks.js';
import { exifAt } from './exif.js';
import type { PictureKind } from './kinds.js';

/** Tag of the orientation in a directory of TIFF or Exif. */
const ORIENTATION = 0x0112;
/** Kind of a number of four bytes; of two, otherwise. */
const LONG = 4;
/** Entries of a directory beyond which nobody writes them: hostile files end there. */
const MOST = 512;

/** The orientation in a TIFF structure that begins at `base`: 1 to 8, 1 where it says none. */
async function inTiff(file: FileHandle, base: number): Promise<number> {
  const header = await bytesAt(file, base, 8);
  const mark = header.toString('latin1', 0, 4);
  if (header.length < 8 || (mark !== 'II*\0' && mark !== 'MM\0*')) return 1;
  const little = mark.startsWith('II');
  const word = (from: Buffer, at: number) => (little ? from.readUInt16LE(at) : from.readUInt16BE(at));
  const directory = base + (little ? header.readUInt32LE(4) : header.readUInt32BE(4));
  const count = await bytesAt(file, directory, 2);
  if (count.length < 2) return 1;
  const entries = await bytesAt(file, directory + 2, 12 * Math.min(word(count, 0), MOST));
  for (let at = 0; at + 12 <= entries.length; at += 12) {
    if (word(entries, at) !== ORIENTATION) continue;
    // Of a long number the second half counts where the first digits come first.
    const isLong = word(entries, at + 2) === LONG;
    const value = word(entries, at + (isLong && !little ? 10 : 8));
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/**
 * How a picture is to be turned by what it says itself (Exif), 1 to 8. ffmpeg reads that of JPEG; of the others, only its
 * newest versions do.
 */
export async function readOrientation(path: string, { name }: PictureKind): Promise<number> {
  if (!['TIFF', 'PNG', 'WebP'].includes(name)) return 1;
  const file = await open(path, 'r');
  try {
    const base = name === 'TIFF' ? 0 : (await exifAt(file, name))?.position;
    return base === undefined ? 1 : await inTiff(file, base);
  } finally {
    await file.close();
  }
}

const TURNS: Readonly<Record<number, readonly string[]>> = {
  2: ['hflip'],
  3: ['hflip', 'vflip'],
  4: ['vflip'],
  5: ['transpose=cclock_flip'],
  6: ['transpose=clock'],
  7: ['transpose=clock_flip'],
  8: ['transpose=cclock'],
};

/** Filters that turn a picture upright. */
export function turnFilters(orientation: number): readonly string[] {
  return TURNS[orientation] ?? [];
}

/** Whether width and height change places. */
export function isTurned(orientation: number): boolean {
  return orientation >= 5;
}
