import { extname } from 'node:path';
import { type Pattern, parsePattern } from '../../shared/pattern.js';

/** Encoders of pictures, by ffmpeg's names. */
export type PictureCodec = 'png' | 'mjpeg' | 'libwebp' | 'tiff' | 'dpx';

/** What the samples of a picture file are. */
export interface Samples {
  readonly deep: boolean;
  readonly alpha: boolean;
  readonly grey: boolean;
}

/** A kind of picture file that can be written. */
export interface PictureFormat {
  readonly name: string;
  readonly encoder: PictureCodec;
  readonly extensions: readonly string[];
  /** Whether it holds sixteen bits a sample, and transparency. */
  readonly deep: boolean;
  readonly alpha: boolean;
  /** Who writes a colour profile into it: the encoder, or whoever puts it into the finished picture; undefined: nobody. */
  readonly profile: 'encoded' | 'inserted' | undefined;
  /** Largest side in pixels, where it is less than what is upscaled. */
  readonly maxSide?: number;
  /** ffmpeg pixel format. */
  pixelFormat(samples: Samples): string;
  /** Options of the encoder at a quality: lower is better, undefined is the default. */
  options(crf: number | undefined): readonly string[];
}

/** Names of packed formats in 8 bits and in 16. */
function packed([deepEnd, rgb8]: readonly [string, string]): PictureFormat['pixelFormat'] {
  return ({ deep, alpha, grey }) => {
    if (grey) return `${alpha ? 'ya' : 'gray'}${deep ? `16${deepEnd}` : alpha ? '8' : ''}`;
    if (alpha) return deep ? `rgba64${deepEnd}` : 'rgba';
    return deep ? `rgb48${deepEnd}` : rgb8;
  };
}

const JPEG_QUALITY = 2;
const WEBP_QUALITY = 5;

const FORMATS: readonly PictureFormat[] = [
  {
    ...{ name: 'PNG', encoder: 'png', extensions: ['.png'], deep: true, alpha: true, profile: 'encoded' },
    pixelFormat: packed(['be', 'rgb24']),
    options: () => ['-pred', 'mixed'],
  },
  {
    ...{ name: 'JPEG', encoder: 'mjpeg', extensions: ['.jpg', '.jpeg'], deep: false, alpha: false, profile: 'encoded' },
    pixelFormat: () => 'yuvj444p',
    options: (crf = JPEG_QUALITY) => {
      const scale = String(Math.min(31, Math.max(1, crf)));
      return ['-qmin', '1', '-q:v', scale, '-huffman', 'optimal'];
    },
  },
  {
    ...{ name: 'WebP', encoder: 'libwebp', extensions: ['.webp'], deep: false, alpha: true, profile: 'inserted' },
    maxSide: 16_383,
    pixelFormat: () => 'bgra',
    options: (crf = WEBP_QUALITY) => (crf === 0 ? ['-lossless', '1'] : ['-quality', String(100 - crf)]),
  },
  {
    ...{ name: 'TIFF', encoder: 'tiff', extensions: ['.tif', '.tiff'], deep: true, alpha: true, profile: 'inserted' },
    pixelFormat: packed(['le', 'rgb24']),
    options: () => ['-compression_algo', 'lzw'],
  },
  {
    ...{ name: 'DPX', encoder: 'dpx', extensions: ['.dpx'], deep: true, alpha: false, profile: undefined },
    pixelFormat: ({ deep }) => (deep ? 'rgb48be' : 'rgb24'),
    options: () => [],
  },
];

/** Extensions of pictures that can be written. */
export const PICTURE_OUTPUTS = FORMATS.flatMap(({ extensions }) => extensions);

/** The kinds of pictures as docs/containers.md tabulates them. */
export const PICTURES_TABLE = FORMATS.map(({ name, extensions, deep, alpha, profile }) => ({
  format: name,
  extensions: extensions.join(' '),
  bits: deep ? '8 or 16' : '8',
  transparency: alpha ? 'yes' : 'no',
  profile: profile === 'inserted' ? 'yes, of one picture' : profile ? 'yes' : 'no',
}));

/** An output of pictures: one, or numbered ones. */
export interface PictureTarget {
  readonly format: PictureFormat;
  /** Of numbered pictures; undefined: one picture. */
  readonly pattern: Pattern | undefined;
}

/** The pictures that an output's name means; undefined for a video. */
export function pictureTarget(output: string): PictureTarget | undefined {
  const extension = extname(output).toLowerCase();
  const format = FORMATS.find(({ extensions }) => extensions.includes(extension));
  return format && { format, pattern: parsePattern(output) };
}
