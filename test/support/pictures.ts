import { statSync } from 'node:fs';
import { ffmpeg, videoStream } from './ffmpeg.js';

/** Decoded pictures of one size; samples are packed rows of `channels` values. */
export interface Pictures {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly frames: readonly Uint8Array[];
}

/** What to decode to. */
export interface DecodeTo {
  /** `gray`: the luma plane as it is stored; `rgb24`: colours. */
  readonly format?: 'gray' | 'rgb24';
  /** Filters in front, for example a scale. */
  readonly filters?: string;
  /** Size after the filters; default: the file's. */
  readonly size?: readonly [number, number];
}

const decoded = new Map<string, Promise<Pictures>>();

/** Decodes every frame of a file with its PTS ignored: as many pictures as the file holds. */
export function decode(path: string, to: DecodeTo = {}): Promise<Pictures> {
  const { mtimeMs, size } = statSync(path);
  const key = JSON.stringify([path, mtimeMs, size, to]);
  const known = decoded.get(key) ?? decodeOnce(path, to);
  decoded.set(key, known);
  return known;
}

async function decodeOnce(path: string, to: DecodeTo): Promise<Pictures> {
  const { format = 'gray', filters } = to;
  const stream = await videoStream(path);
  const [width, height] = to.size ?? [stream.width, stream.height];
  const end = format === 'gray' ? 'format=yuv444p' : 'format=rgb24';
  const chain = [...(filters ? [filters] : []), end].join(',');
  const out = ['-map', `0:${stream.index}`, '-vf', chain, '-fps_mode', 'passthrough', '-f', 'rawvideo', '-'];
  const data = await ffmpeg('-i', path, ...out);
  const bytes = width * height * 3;
  if (data.length % bytes) throw new Error(`${path}: ${data.length} bytes are no pictures of ${width}x${height}`);
  // Of yuv444p only the first plane is kept.
  const channels = format === 'gray' ? 1 : 3;
  const kept = width * height * channels;
  const frames = Array.from({ length: data.length / bytes }, (_, i) => data.subarray(i * bytes, i * bytes + kept));
  return { width, height, channels, frames };
}

/** PSNR of two pictures in dB, of 255 levels. */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} and ${b.length} samples cannot be compared`);
  let sum = 0;
  for (const [index, value] of a.entries()) sum += (value - (b[index] ?? 0)) ** 2;
  return sum === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(255 ** 2 / (sum / a.length));
}

/** Pictures made a whole number of times smaller: each pixel is the mean of those it stands for. */
export function shrunk({ width, height, channels, frames }: Pictures, toWidth: number, toHeight: number): Pictures {
  const [across, down] = [width / toWidth, height / toHeight];
  if (!Number.isInteger(across) || !Number.isInteger(down)) {
    throw new RangeError(`${width}x${height} is no multiple of ${toWidth}x${toHeight}`);
  }
  const shrink = (frame: Uint8Array) => {
    const sums = new Float64Array(toWidth * toHeight * channels);
    for (let y = 0; y < height; y += 1) {
      const row = Math.floor(y / down) * toWidth;
      for (let x = 0; x < width; x += 1) {
        const [from, to] = [(y * width + x) * channels, (row + Math.floor(x / across)) * channels];
        for (let c = 0; c < channels; c += 1) sums[to + c] = (sums[to + c] ?? 0) + (frame[from + c] ?? 0);
      }
    }
    return Uint8Array.from(sums, (sum) => Math.round(sum / across / down));
  };
  return { width: toWidth, height: toHeight, channels, frames: frames.map(shrink) };
}

/** Lowest PSNR between frames of the same number, one file's scaled to the size of the other's. */
export async function worstPsnr(source: string, result: string, format: 'gray' | 'rgb24' = 'gray'): Promise<number> {
  const original = await decode(source, { format });
  const back = shrunk(await decode(result, { format }), original.width, original.height);
  if (back.frames.length !== original.frames.length) {
    throw new Error(`${result} has ${back.frames.length} frames, its source ${original.frames.length}`);
  }
  return Math.min(...original.frames.map((frame, i) => psnr(frame, back.frames[i] ?? frame)));
}

/** Mean of a rectangle given in shares of the picture, of one channel. */
export function meanOf(
  { width, height, channels }: Omit<Pictures, 'frames'>,
  frame: Uint8Array,
  [left, top, right, bottom]: readonly [number, number, number, number],
  channel = 0,
): number {
  let sum = 0;
  let count = 0;
  for (let y = Math.floor(top * height); y < Math.ceil(bottom * height); y += 1) {
    for (let x = Math.floor(left * width); x < Math.ceil(right * width); x += 1) {
      sum += frame[(y * width + x) * channels + channel] ?? 0;
      count += 1;
    }
  }
  return sum / count;
}

/** Bits of a frame number that {@link numbered} draws. */
const BITS = 8;

/**
 * Filters that draw a number into a frame's top quarter: a row of eight blocks, black for 0 and white for 1, lowest bit at
 * the left.
 *
 * @param shifted ffmpeg's expression for what is odd where a bit, given as an expression, is 1
 */
export function drawNumbers(shifted: (bit: string) => string): string {
  const head = `if(mod(floor(${shifted(`floor(X*${BITS}/W)`)}),2),235,16)`;
  const planes = Object.entries({ lum: head, cb: '128', cr: '128' });
  return `format=yuv420p,geq=${planes.map(([plane, top]) => `${plane}='if(lt(Y,H/4),${top},${plane}(X,Y))'`).join(':')}`;
}

/** Filters that draw a frame's own number. */
export const DRAW_NUMBERS = drawNumbers((bit) => `N/pow(2,${bit})`);

/** Lavfi source whose every frame carries its number above a moving test picture. */
export function numbered(width: number, height: number, rate = '25'): string {
  return `testsrc2=s=${width}x${height}:r=${rate},${DRAW_NUMBERS}`;
}

/** The number each frame of a file carries. */
export async function numbersIn(path: string, filters?: string): Promise<number[]> {
  const pictures = await decode(path, filters === undefined ? {} : { filters });
  return pictures.frames.map((frame) => {
    let value = 0;
    for (let bit = 0; bit < BITS; bit += 1) {
      const centre = (bit + 0.5) / BITS;
      const mean = meanOf(pictures, frame, [centre - 0.2 / BITS, 0.08, centre + 0.2 / BITS, 0.17]);
      if (mean > 100 && mean < 150) throw new Error(`${path}: bit ${bit} is neither black nor white (${mean})`);
      if (mean >= 150) value += 2 ** bit;
    }
    return value;
  });
}

/** 0, 1, 2 … */
export function counting(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}
