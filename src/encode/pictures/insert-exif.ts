import { type FileHandle, open } from 'node:fs/promises';
import { bytesAt } from '../../shared/pictures/chunks.js';
import { EXIF_MARK, exifAt } from '../../shared/pictures/exif.js';
import { insertAt } from './edit-file.js';
import type { PictureFormat } from './formats.js';
import { BEHIND_IHDR, pngChunk } from './png.js';
import { extendWebp, riffChunk, type Size, tellWebpLength } from './webp.js';

/** Bytes that a segment of JPEG can have, its length included. */
const MOST_SEGMENT = 0xffff;

/** Behind JFIF's own segment, which wants to be the first. */
async function intoJpeg(file: FileHandle, exif: Buffer): Promise<boolean> {
  const body = Buffer.concat([Buffer.from(EXIF_MARK, 'latin1'), exif]);
  if (body.length + 2 > MOST_SEGMENT) return false;
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  const first = await bytesAt(file, 2, 4);
  const isJfif = first.readUInt16BE(0) === 0xffe0;
  await insertAt(file, isJfif ? 4 + first.readUInt16BE(2) : 2, Buffer.concat([head, body]));
  return true;
}

async function intoPng(file: FileHandle, exif: Buffer): Promise<boolean> {
  await insertAt(file, BEHIND_IHDR, pngChunk('eXIf', exif));
  return true;
}

/** Exif comes last in WebP. */
async function intoWebp(file: FileHandle, exif: Buffer, size: Size): Promise<boolean> {
  await extendWebp(file, 'exif', size);
  await insertAt(file, (await file.stat()).size, riffChunk('EXIF', exif));
  await tellWebpLength(file);
  return true;
}

const INTO = new Map([
  ['JPEG', intoJpeg],
  ['PNG', intoPng],
  ['WebP', intoWebp],
]);

/** Whether Exif can be put into pictures of a format. */
export const holdsExif = ({ name }: PictureFormat) => INTO.has(name);

/**
 * Puts Exif into a finished picture, if the encoder has not put any there (CIPA DC-008, 4.7; PNG eXIf; WebP container).
 *
 * @param exif a structure of TIFF
 * @param size of the picture in pixels
 * @returns whether the picture can hold so much
 */
export async function insertExif(path: string, { name }: PictureFormat, exif: Buffer, size: Size): Promise<boolean> {
  const file = await open(path, 'r+');
  try {
    if (await exifAt(file, name)) return true;
    return (await INTO.get(name)?.(file, exif, size)) ?? false;
  } finally {
    await file.close();
  }
}
