import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { readProfile } from '../../shared/pictures/profile.js';
import { ENTRY, firstDirectory } from '../../shared/pictures/tiff-directory.js';
import { insertAt, writeAt } from './edit-file.js';
import type { PictureFormat } from './formats.js';
import { BEHIND_IHDR, pngChunk } from './png.js';
import { BEHIND_VP8X, extendWebp, riffChunk, type Size, tellWebpLength } from './webp.js';

const packed = promisify<Buffer, Buffer>(deflate);
/** What a PNG's profile is called, the zero behind it, and the only way of compression that there is. */
const PNG_HEAD = Buffer.from('ICC profile\0\0', 'latin1');

/** The profile comes before the picture. */
async function intoPng(file: FileHandle, profile: Buffer): Promise<void> {
  await insertAt(file, BEHIND_IHDR, pngChunk('iCCP', Buffer.concat([PNG_HEAD, await packed(profile)])));
}

/** The profile comes first of what a WebP holds. */
async function intoWebp(file: FileHandle, profile: Buffer, size: Size): Promise<void> {
  await extendWebp(file, 'profile', size);
  await insertAt(file, BEHIND_VP8X, riffChunk('ICCP', profile));
  await tellWebpLength(file);
}

const TAG = 34_675;
/** Kind of bytes that mean nothing to TIFF. */
const UNDEFINED = 7;

/** A directory like the first one, with an entry more, is put behind all else: nothing in the file moves. */
async function intoTiff(file: FileHandle, profile: Buffer): Promise<void> {
  const directory = await firstDirectory(file, 0);
  if (!directory) throw new Error('the encoder wrote a TIFF without a directory');
  const { order, entries, next } = directory;
  const { size } = await file.stat();
  // Both begin at even places.
  const at = size + (size % 2);
  const body = Buffer.concat([profile, Buffer.alloc(profile.length % 2)]);
  const entry = Buffer.alloc(ENTRY);
  order.setShort(entry, 0, TAG);
  order.setShort(entry, 2, UNDEFINED);
  order.setLong(entry, 4, profile.length);
  order.setLong(entry, 8, at);
  const sorted = [...entries, entry].sort((a, b) => order.short(a, 0) - order.short(b, 0));
  const [length, place] = [Buffer.alloc(2), Buffer.alloc(4)];
  order.setShort(length, 0, sorted.length);
  order.setLong(place, 0, at + body.length);
  await writeAt(file, at, Buffer.concat([body, length, ...sorted, next]));
  await writeAt(file, 4, place);
}

const INTO = new Map<string, (file: FileHandle, profile: Buffer, size: Size) => Promise<void>>([
  ['PNG', intoPng],
  ['WebP', intoWebp],
  ['TIFF', intoTiff],
]);

/**
 * Puts a colour profile into a finished picture, if the encoder has not put any there (PNG iCCP; WebP container; ICC.1, B.2 of TIFF).
 *
 * @param size of the picture in pixels
 */
export async function insertProfile(path: string, { name }: PictureFormat, profile: Buffer, size: Size): Promise<void> {
  if (await readProfile(path, name)) return;
  const file = await open(path, 'r+');
  try {
    await INTO.get(name)?.(file, profile, size);
  } finally {
    await file.close();
  }
}
