import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { bytesAt, chunkAt, type Span, segmentsAt } from './chunks.js';
import { tiffEntry } from './tiff-entry.js';

/** Bytes beyond which no profile is taken: those of presses have two million. */
const MOST_BYTES = 1 << 23;
/** What stands before each piece of a profile in JPEG, followed by its number and how many there are. */
const JPEG_MARK = 'ICC_PROFILE\0';
const TIFF_TAG = 34_675;
/** Bytes of a PNG's name of a profile, with the zero behind it and the way of compression. */
const PNG_NAME = 81;
/** Bytes of a profile's header, where its own name stands, and where the colours that it is about. */
const [HEADER, NAME_AT, SPACE_AT] = [128, 36, 16];

const unpacked = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate);

async function spanOf(file: FileHandle, span: Span | undefined): Promise<Buffer | undefined> {
  return span && span.length <= MOST_BYTES ? bytesAt(file, span.position, span.length) : undefined;
}

async function inJpeg(file: FileHandle): Promise<Buffer | undefined> {
  const pieces: { number: number; bytes: Buffer }[] = [];
  for await (const { position, length } of segmentsAt(file, { marker: 0xe2, beginning: JPEG_MARK })) {
    const body = await bytesAt(file, position, length);
    pieces.push({ number: body[JPEG_MARK.length] ?? 0, bytes: body.subarray(JPEG_MARK.length + 2) });
  }
  // They may come in any order.
  pieces.sort((a, b) => a.number - b.number);
  return pieces.length ? Buffer.concat(pieces.map(({ bytes }) => bytes)) : undefined;
}

async function inPng(file: FileHandle): Promise<Buffer | undefined> {
  const body = await spanOf(file, await chunkAt(file, { first: 8, name: 'iCCP', frame: 'png' }));
  const name = body?.subarray(0, PNG_NAME).indexOf(0) ?? -1;
  if (!body || name < 0) return undefined;
  return unpacked(body.subarray(name + 2), { maxOutputLength: MOST_BYTES }).catch(() => undefined);
}

async function inTiff(file: FileHandle): Promise<Buffer | undefined> {
  const entry = await tiffEntry(file, 0, TIFF_TAG);
  return spanOf(file, entry && { position: entry.value, length: entry.count });
}

async function inWebp(file: FileHandle): Promise<Buffer | undefined> {
  return spanOf(file, await chunkAt(file, { first: 12, name: 'ICCP', frame: 'riff' }));
}

const IN: Readonly<Record<string, typeof inPng>> = { JPEG: inJpeg, PNG: inPng, TIFF: inTiff, WebP: inWebp };

/**
 * Reads the colour profile (ICC) of a picture.
 *
 * @param kind name of its kind, as JPEG
 * @returns undefined where there is none, or none that is whole
 */
export async function readProfile(path: string, kind: string): Promise<Buffer | undefined> {
  const file = await open(path, 'r');
  try {
    const profile = await IN[kind]?.(file);
    if (!profile || profile.length < HEADER || profile.toString('latin1', NAME_AT, NAME_AT + 4) !== 'acsp')
      return undefined;
    const length = profile.readUInt32BE(0);
    return length >= HEADER && length <= profile.length ? profile.subarray(0, length) : undefined;
  } finally {
    await file.close();
  }
}

/** What colours a profile is about, in its own words: `RGB`, `GRAY`, `CMYK` … */
export function profileSpace(profile: Buffer): string {
  return profile.toString('latin1', SPACE_AT, SPACE_AT + 4).trim();
}
