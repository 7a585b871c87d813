import { open } from 'node:fs/promises';
import type { VideoStream } from '../../shared/media.js';
import { chunkAt } from '../../shared/pictures/chunks.js';
import { tiffEntry } from '../../shared/pictures/tiff-entry.js';
import type { PictureKind } from './kinds.js';

/** What samples are that the decoder gives in a format for something else, too. */
export interface Samples {
  /** Whether some may be transparent: palettes have room for it, and the decoder gives a press's fourth ink that way. */
  readonly hasAlpha: boolean;
  /** Whether they are a press's four inks. */
  readonly inks: boolean;
}

const TIFF_SAMPLES = 262;
const SEPARATED = 5;

/** Looks at what the samples of a picture are. */
export async function lookAtSamples(
  path: string,
  { name }: PictureKind,
  { hasAlpha, pixelFormat }: Pick<VideoStream, 'hasAlpha' | 'pixelFormat'>,
): Promise<Samples> {
  if (name === 'JPEG') return { hasAlpha: false, inks: hasAlpha };
  if (name !== 'TIFF' && pixelFormat !== 'pal8') return { hasAlpha, inks: false };
  const file = await open(path, 'r');
  try {
    if (name === 'PNG') {
      const transparent = await chunkAt(file, { first: 8, name: 'tRNS', frame: 'png' });
      return { hasAlpha: transparent !== undefined, inks: false };
    }
    const samples = name === 'TIFF' ? await tiffEntry(file, 0, TIFF_SAMPLES) : undefined;
    return { hasAlpha: hasAlpha && pixelFormat !== 'pal8', inks: samples?.short === SEPARATED };
  } finally {
    await file.close();
  }
}
