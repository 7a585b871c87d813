import { type FileHandle, open } from 'node:fs/promises';
import { bytesAt, chunkAt, type Span, segmentAt } from './chunks.js';

/** What stands before Exif in JPEG always, and in WebP sometimes. */
export const EXIF_MARK = 'Exif\0\0';
/** Bytes beyond which no Exif is taken: in JPEG it has 64 KiB at most. */
const MOST_BYTES = 1 << 20;
const NOTHING = Buffer.alloc(0);

/** Where a picture has its Exif: a structure of TIFF, without the mark that may stand before it. */
export async function exifAt(file: FileHandle, kind: string): Promise<Span | undefined> {
  const found =
    kind === 'JPEG'
      ? await segmentAt(file, { marker: 0xe1, beginning: EXIF_MARK })
      : kind === 'PNG'
        ? await chunkAt(file, { first: 8, name: 'eXIf', frame: 'png' })
        : kind === 'WebP'
          ? await chunkAt(file, { first: 12, name: 'EXIF', frame: 'riff' })
          : undefined;
  if (!found) return undefined;
  const isMarked = (await bytesAt(file, found.position, EXIF_MARK.length)).toString('latin1') === EXIF_MARK;
  const mark = isMarked ? EXIF_MARK.length : 0;
  return found.length > mark ? { position: found.position + mark, length: found.length - mark } : undefined;
}

/**
 * Reads what a picture says of itself by Exif (camera, time, place), as a structure of TIFF.
 *
 * @param kind name of its kind, as JPEG
 * @returns undefined where it says nothing; nothing of what is cut off, or more than anybody would say
 */
export async function readExif(path: string, kind: string): Promise<Buffer | undefined> {
  const file = await open(path, 'r');
  try {
    const span = await exifAt(file, kind);
    if (!span) return undefined;
    const exif = span.length > MOST_BYTES ? NOTHING : await bytesAt(file, span.position, span.length);
    return exif.length === span.length ? exif : NOTHING;
  } finally {
    await file.close();
  }
}
