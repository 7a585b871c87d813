import { type FileHandle, open } from 'node:fs/promises';
import { exifAt } from '../../shared/pictures/exif.js';
import { tiffEntry } from '../../shared/pictures/tiff-entry.js';
import type { PictureKind } from './kinds.js';

/** Tag of the orientation in a directory of TIFF or Exif. */
const ORIENTATION = 0x0112;
/** Kind of a number of four bytes; of two, otherwise. */
const LONG = 4;

/** The orientation in a TIFF structure that begins at `base`: 1 to 8, 1 where it says none. */
async function inTiff(file: FileHandle, base: number): Promise<number> {
  const entry = await tiffEntry(file, base, ORIENTATION);
  const value = entry?.kind === LONG ? entry.value : (entry?.short ?? 1);
  return value >= 1 && value <= 8 ? value : 1;
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
