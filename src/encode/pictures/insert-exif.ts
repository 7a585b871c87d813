import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { bytesAt } from '../../decode/pictures/chunks.js';
import { EXIF_MARK, exifAt } from '../../decode/pictures/exif.js';
import type { PictureFormat } from './formats.js';

/** Bytes that are moved at once. */
const BLOCK = 1 << 20;
/** Bytes that a segment of JPEG can have, its length included. */
const MOST_SEGMENT = 0xffff;

/** Writes all of it: a disk that fills takes a part, and says so only when it is given the rest. */
async function writeAt(file: FileHandle, position: number, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Makes room in a file by moving what follows back, and writes there. */
async function insertAt(file: FileHandle, position: number, bytes: Buffer): Promise<void> {
  for (let end = (await file.stat()).size; end > position; ) {
    const start = Math.max(position, end - BLOCK);
    const block = await bytesAt(file, start, end - start);
    await writeAt(file, start + bytes.length, block);
    end = start;
  }
  await writeAt(file, position, bytes);
}

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

/** Bytes of PNG's signature and of its first chunk, which comes before all others. */
const PNG_HEAD = 33;

async function intoPng(file: FileHandle, exif: Buffer): Promise<boolean> {
  const body = Buffer.concat([Buffer.from('eXIf', 'latin1'), exif]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(exif.length);
  checksum.writeUInt32BE(crc32(body));
  await insertAt(file, PNG_HEAD, Buffer.concat([length, body, checksum]));
  return true;
}

const RIFF_HEAD = 12;
const VP8X = { alpha: 0x10, exif: 0x08 } as const;
/** Bit of the first 32 behind VP8L's signature that says that it has transparency. */
const LOSSLESS_ALPHA = 1 << 28;

/** A chunk of RIFF, padded to an even length. */
function riffChunk(name: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8, name, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}

/** WebP tells in a chunk before the picture what else there is; Exif itself comes last. */
async function intoWebp(
  file: FileHandle,
  exif: Buffer,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<boolean> {
  const head = await bytesAt(file, RIFF_HEAD, 13);
  const kind = head.toString('latin1', 0, 4);
  if (kind === 'VP8X') {
    await writeAt(file, RIFF_HEAD + 8, Buffer.from([(head[8] ?? 0) | VP8X.exif]));
  } else {
    const transparent = kind === 'VP8L' && (head.readUInt32LE(9) & LOSSLESS_ALPHA) !== 0;
    const body = Buffer.alloc(10);
    body[0] = VP8X.exif | (transparent ? VP8X.alpha : 0);
    body.writeUIntLE(width - 1, 4, 3);
    body.writeUIntLE(height - 1, 7, 3);
    await insertAt(file, RIFF_HEAD, riffChunk('VP8X', body));
  }
  const { size } = await file.stat();
  const chunk = riffChunk('EXIF', exif);
  await writeAt(file, size, chunk);
  const total = Buffer.alloc(4);
  total.writeUInt32LE(size + chunk.length - 8);
  await writeAt(file, 4, total);
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
export async function insertExif(
  path: string,
  { name }: PictureFormat,
  exif: Buffer,
  size: { readonly width: number; readonly height: number },
): Promise<boolean> {
  const file = await open(path, 'r+');
  try {
    if (await exifAt(file, name)) return true;
    return (await INTO.get(name)?.(file, exif, size)) ?? false;
  } finally {
    await file.close();
  }
}
