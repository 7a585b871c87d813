import { readFileSync, writeFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';

/** A directory of one entry, as in TIFF and Exif: how the picture is to be turned. */
export function orientationBlock(orientation: number): Buffer {
  const block = Buffer.from('4d4d002a00000008000101120003000000010000000000000000', 'hex');
  block.writeUInt16BE(orientation, 18);
  return block;
}

/** Exif as cameras write it: maker, turn, time, size, and a small picture for previews. */
export function cameraExif(
  order: 'II' | 'MM',
  { turn, size }: { turn: number; size: readonly [number, number] },
): Buffer {
  const little = order === 'II';
  const bytes = Buffer.alloc(512);
  const short = (at: number, value: number) =>
    little ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at);
  const long = (at: number, value: number) =>
    little ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
  const directory = (at: number, entries: readonly (readonly [number, number, number, number])[], next: number) => {
    short(at, entries.length);
    for (const [index, [tag, type, count, value]] of entries.entries()) {
      const from = at + 2 + 12 * index;
      short(from, tag);
      short(from + 2, type);
      long(from + 4, count);
      if (type === 3) short(from + 8, value);
      else long(from + 8, value);
    }
    long(at + 2 + 12 * entries.length, next);
  };
  bytes.write(order);
  short(2, 42);
  long(4, 8);
  const [maker, time] = [Buffer.from('Voigtlaender\0'), Buffer.from('1969:07:20 20:17:40\0')];
  const [inner, thumbnail] = [100, 160];
  const makerEntry = [0x010f, 2, maker.length, 300] as const;
  directory(8, [makerEntry, [0x0112, 3, 1, turn], [0x8769, 4, 1, inner]], thumbnail);
  directory(
    inner,
    [
      [0x9003, 2, time.length, 340],
      [0xa002, 3, 1, size[0]],
      [0xa003, 3, 1, size[1]],
    ],
    0,
  );
  directory(
    thumbnail,
    [
      [0x0201, 4, 1, 400],
      [0x0202, 4, 1, 100],
    ],
    0,
  );
  maker.copy(bytes, 300);
  time.copy(bytes, 340);
  return bytes;
}

function pngChunk(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), body]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

function jpegSegment(marker: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(marker);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

function riffChunk(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(type);
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}

/** Puts a chunk behind a PNG's header. */
export function intoPng(from: string, to: string, type: string, body: Buffer): void {
  const file = readFileSync(from);
  writeFileSync(to, Buffer.concat([file.subarray(0, 33), pngChunk(type, body), file.subarray(33)]));
}

/** Puts a segment at a JPEG's beginning. */
export function intoJpeg(from: string, to: string, marker: number, body: Buffer): void {
  const file = readFileSync(from);
  writeFileSync(to, Buffer.concat([file.subarray(0, 2), jpegSegment(marker, body), file.subarray(2)]));
}

/** Makes a plain WebP an extended one. @param flags of its VP8X chunk */
export function extendedWebp(
  from: string,
  to: string,
  {
    flags,
    size,
    chunks,
    first = false,
  }: {
    flags: number;
    size: readonly [number, number];
    chunks: readonly [string, Buffer][];
    /** Whether the chunks come before the picture. */
    first?: boolean;
  },
): void {
  const head = Buffer.alloc(10);
  head[0] = flags;
  head.writeUIntLE(size[0] - 1, 4, 3);
  head.writeUIntLE(size[1] - 1, 7, 3);
  const picture = readFileSync(from).subarray(12);
  const more = chunks.map(([type, bytes]) => riffChunk(type, bytes));
  const body = Buffer.concat([
    Buffer.from('WEBP'),
    riffChunk('VP8X', head),
    ...(first ? [...more, picture] : [picture, ...more]),
  ]);
  writeFileSync(to, riffChunk('RIFF', body));
}

/** Appends a directory to a little-endian TIFF that is the first one with an entry more. */
function withTiffEntry(
  from: string,
  to: string,
  { tag, kind, bytes }: { readonly tag: number; readonly kind: number; readonly bytes: Buffer },
): void {
  const file = readFileSync(from);
  const at = file.readUInt32LE(4);
  const count = file.readUInt16LE(at);
  const entries = Array.from({ length: count }, (_, i) => file.subarray(at + 2 + i * 12, at + 14 + i * 12));
  const pad = Buffer.alloc(file.length % 2);
  const entry = Buffer.alloc(12);
  entry.writeUInt16LE(tag);
  entry.writeUInt16LE(kind, 2);
  // A short number stands in the entry itself, bytes elsewhere.
  const inside = kind === 3;
  entry.writeUInt32LE(inside ? 1 : bytes.length, 4);
  if (inside) bytes.copy(entry, 8);
  else entry.writeUInt32LE(file.length + pad.length, 8);
  const apart = inside ? Buffer.alloc(0) : Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)]);
  const all = [...entries, entry].sort((a, b) => a.readUInt16LE(0) - b.readUInt16LE(0));
  const length = Buffer.alloc(2);
  length.writeUInt16LE(all.length);
  const head = Buffer.from(file);
  head.writeUInt32LE(file.length + pad.length + apart.length, 4);
  writeFileSync(to, Buffer.concat([head, pad, apart, length, ...all, Buffer.alloc(4)]));
}

/** A little-endian TIFF that says how it is to be turned. */
export function turnedTiff(from: string, to: string, orientation: number): void {
  withTiffEntry(from, to, { tag: 0x0112, kind: 3, bytes: Buffer.from([orientation, 0]) });
}

/** A colour profile that says nothing but what colours it is about: header of the right length and name. */
export function profileFor(space: 'RGB ' | 'GRAY' | 'CMYK', length = 400): Buffer {
  const profile = Buffer.from(Array.from({ length }, (_, index) => (index * index) % 251));
  profile.writeUInt32BE(length);
  profile.write(`mntr${space}XYZ `, 12);
  profile.write('acsp', 36);
  return profile;
}

/** Puts a colour profile into a picture, by its extension; JPEG takes it in pieces. */
export function withProfile(from: string, to: string, profile: Buffer, size: readonly [number, number]): void {
  const extension = to.split('.').at(-1);
  if (extension === 'png') intoPng(from, to, 'iCCP', Buffer.concat([Buffer.from('test\0\0'), deflateSync(profile)]));
  if (extension === 'webp') extendedWebp(from, to, { flags: 0x20, size, chunks: [['ICCP', profile]], first: true });
  if (extension === 'tif') withTiffEntry(from, to, { tag: 34_675, kind: 7, bytes: profile });
  if (extension !== 'jpg') return;
  const most = 60_000;
  const count = Math.ceil(profile.length / most);
  writeFileSync(to, readFileSync(from));
  // The last one first: each is put in front of the others.
  for (let piece = count; piece > 0; piece -= 1) {
    const body = profile.subarray((piece - 1) * most, piece * most);
    intoJpeg(to, to, 0xffe2, Buffer.concat([Buffer.from('ICC_PROFILE\0'), Buffer.from([piece, count]), body]));
  }
}

/** A PNG of any size by its header, with next to no samples. */
export function hollowPng(to: string, width: number, height: number): void {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = 2;
  const chunks = [
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(64))),
    pngChunk('IEND', Buffer.alloc(0)),
  ];
  writeFileSync(to, Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...chunks]));
}
