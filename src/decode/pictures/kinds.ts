import { open } from 'node:fs/promises';

/** A kind of picture file, known by how it begins and not by its name. */
export interface PictureKind {
  readonly name: string;
  /** ffmpeg demuxer of one such file. */
  readonly demuxer: string;
  readonly decoder: string;
  /** Options of the decoder. */
  readonly options: readonly string[];
  /** Whether samples are linear light without bounds: the decoder makes them sRGB. */
  readonly linear: boolean;
}

function kind(name: string, decoder = name.toLowerCase()): PictureKind {
  const demuxer = `${name === 'JPEG' ? 'jpeg' : decoder}_pipe`;
  return { name, demuxer, decoder, options: [], linear: false };
}

const PNG = kind('PNG');
const JPEG = kind('JPEG', 'mjpeg');
const WEBP = kind('WebP');
const TIFF = kind('TIFF');
const BMP = kind('BMP');
const DPX = kind('DPX');
const EXR: PictureKind = { ...kind('EXR'), options: ['-apply_trc', 'iec61966_2_1'], linear: true };

/** Kinds of pictures that are read, for messages. */
export const PICTURE_NAMES = [PNG, JPEG, WEBP, TIFF, BMP, DPX, EXR].map(({ name }) => name).join(', ');

/** Extensions by which pictures are found in a folder. */
export const PICTURE_EXTENSIONS = new Set([
  ...['.png', '.jpg', '.jpeg', '.jpe', '.webp', '.tif', '.tiff', '.bmp', '.dpx', '.exr'],
]);

/** What is animated is a video: GIF, APNG. WebP's flag of animation is in its first chunk. */
const ANIMATION = 0x02;

/** How a file begins. */
interface Look {
  readonly kind: PictureKind | undefined;
  /** Whether it is a WebP of more than one picture. */
  readonly animatedWebp: boolean;
}

/** Whether a PNG says, before its picture, that it is an animation. */
function isApng(head: Buffer): boolean {
  for (let at = 8; at + 8 <= head.length; at += head.readUInt32BE(at) + 12) {
    const chunk = head.toString('latin1', at + 4, at + 8);
    if (chunk === 'acTL') return true;
    if (chunk === 'IDAT') return false;
  }
  return false;
}

function kindOf(head: Buffer): PictureKind | undefined {
  const text = head.toString('latin1', 0, 12);
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return isApng(head) ? undefined : PNG;
  if (text.startsWith('\xff\xd8\xff')) return JPEG;
  if (/^RIFF....WEBP/s.test(text)) return WEBP;
  if (text.startsWith('II*\0') || text.startsWith('MM\0*')) return TIFF;
  if (text.startsWith('SDPX') || text.startsWith('XPDS')) return DPX;
  if (text.startsWith('\x76\x2f\x31\x01')) return EXR;
  // Two letters say little: the two reserved words behind the size are zero, too.
  if (text.startsWith('BM') && head.length >= 10 && head.readUInt32LE(6) === 0) return BMP;
  return undefined;
}

/** Bytes that chunks before the picture of a PNG may take, colour profile included. */
const HEAD_BYTES = 1 << 18;

/** Looks at how a file begins. @returns no kind for what is no picture, or a moving one */
export async function lookAtPicture(path: string): Promise<Look> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    const found = kindOf(head);
    const extended = found === WEBP && head.toString('latin1', 12, 16) === 'VP8X';
    return { kind: found, animatedWebp: extended && ((head[20] ?? 0) & ANIMATION) !== 0 };
  } finally {
    await file.close();
  }
}
