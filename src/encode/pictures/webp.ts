import type { FileHandle } from 'node:fs/promises';
import { bytesAt } from '../../shared/pictures/chunks.js';
import { insertAt, writeAt } from './edit-file.js';

/** Of a picture, in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

const RIFF_HEAD = 12;
/** Where what stands behind the first chunk of an extended WebP begins. */
export const BEHIND_VP8X = RIFF_HEAD + 18;
const FLAG = { profile: 0x20, alpha: 0x10, exif: 0x08 } as const;
/** Bit of the first 32 behind VP8L's signature that says that it has transparency. */
const LOSSLESS_ALPHA = 1 << 28;

/** A chunk of RIFF, padded to an even length. */
export function riffChunk(name: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8, name, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}

/** Says in the chunk before the picture that there is something besides it; that chunk is made where there is none. */
export async function extendWebp(file: FileHandle, what: 'profile' | 'exif', { width, height }: Size): Promise<void> {
  const head = await bytesAt(file, RIFF_HEAD, 13);
  const kind = head.toString('latin1', 0, 4);
  if (kind === 'VP8X') return writeAt(file, RIFF_HEAD + 8, Buffer.from([(head[8] ?? 0) | FLAG[what]]));
  const transparent = kind === 'VP8L' && (head.readUInt32LE(9) & LOSSLESS_ALPHA) !== 0;
  const body = Buffer.alloc(10);
  body[0] = FLAG[what] | (transparent ? FLAG.alpha : 0);
  body.writeUIntLE(width - 1, 4, 3);
  body.writeUIntLE(height - 1, 7, 3);
  await insertAt(file, RIFF_HEAD, riffChunk('VP8X', body));
}

/** Tells in a WebP's head how long it has become. */
export async function tellWebpLength(file: FileHandle): Promise<void> {
  const total = Buffer.alloc(4);
  total.writeUInt32LE((await file.stat()).size - 8);
  await writeAt(file, 4, total);
}
