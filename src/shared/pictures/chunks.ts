import type { FileHandle } from 'node:fs/promises';

/** Segments and chunks beyond which nobody writes them: hostile files end there. A large PNG is in pieces of 8 KiB. */
const MOST = { segments: 512, chunks: 1 << 16 } as const;

/** What is in a file from a position on; shorter where it ends before. */
export async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** A piece of a file. */
export interface Span {
  readonly position: number;
  readonly length: number;
}

/** The body of a chunk of PNG or WebP, by its name; undefined where there is none. */
export async function chunkAt(
  file: FileHandle,
  { first, name, frame }: { readonly first: number; readonly name: string; readonly frame: 'png' | 'riff' },
): Promise<Span | undefined> {
  let at = first;
  for (let chunks = 0; chunks < MOST.chunks; chunks += 1) {
    const header = await bytesAt(file, at, 8);
    if (header.length < 8) return undefined;
    const isPng = frame === 'png';
    const type = header.toString('latin1', isPng ? 4 : 0, isPng ? 8 : 4);
    const length = isPng ? header.readUInt32BE(0) : header.readUInt32LE(4);
    if (type === name) return { position: at + 8, length };
    // PNG has a checksum behind the body, RIFF a byte where the length is odd.
    at += 8 + length + (isPng ? 4 : length % 2);
  }
  return undefined;
}

const SCAN = 0xda;

/** Which segments of a JPEG: by their marker, and by what they begin with. */
export interface SegmentName {
  readonly marker: number;
  readonly beginning: string;
}

/** The bodies of a JPEG's segments of a name that come before its picture. */
export async function* segmentsAt(
  file: FileHandle,
  { marker, beginning }: SegmentName,
): AsyncGenerator<Span, void, undefined> {
  let at = 2;
  for (let segments = 0; segments < MOST.segments; segments += 1) {
    const header = await bytesAt(file, at, 4 + beginning.length);
    if (header.length < 4 || header[0] !== 0xff || header[1] === SCAN) return;
    const length = header.readUInt16BE(2) - 2;
    if (header[1] === marker && header.toString('latin1', 4) === beginning) yield { position: at + 4, length };
    at += 4 + length;
  }
}

/** The body of the first segment of a name; undefined where there is none before the picture. */
export async function segmentAt(file: FileHandle, name: SegmentName): Promise<Span | undefined> {
  for await (const span of segmentsAt(file, name)) return span;
  return undefined;
}
