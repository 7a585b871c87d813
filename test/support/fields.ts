import { DRAW_NUMBERS, drawNumbers, meanOf, numbersIn, type Pictures } from './pictures.js';

/** A bar that moves by five pixels a field, in front of `interlace`: two moments in each frame. */
const MOVING = (rate: string, size: string) =>
  `color=black:s=${size}:r=${rate},format=yuv420p,geq=lum='if(lt(mod(X+N*5,48),24),200,40)':cb=128:cr=128`;

/**
 * Numbers as a Gray code: a plain number's lowest bit is the same in all fields of one parity, as of a picture that stands
 * still and has stripes.
 */
const DRAW_FIELD_NUMBERS = drawNumbers((bit) => `N/pow(2,${bit}+1)+0.5`);

/** The number of the field that each picture was made of. */
export async function fieldNumbersIn(path: string): Promise<number[]> {
  return (await numbersIn(path)).map((gray) => {
    let value = 0;
    for (let rest = gray; rest > 0; rest >>= 1) value ^= rest;
    return value;
  });
}

/** What a clip of woven frames is like. */
export interface Woven {
  readonly order: 'tff' | 'bff';
  /** Fields a second. */
  readonly rate?: string;
  readonly size?: string;
  /** What carries a number: each frame, or each field, which is then half of its lines. */
  readonly numbers?: 'frame' | 'field';
}

/** Lavfi source of whole pictures with a number each, to be spread over fields. */
export function film(rate: string, size = '128x96'): string {
  return `${MOVING(rate, size)},${DRAW_FIELD_NUMBERS}`;
}

/** Lavfi source of interlaced frames, which ffmpeg's encoders know for such. */
export function woven({ order, rate = '50', size = '128x96', numbers = 'field' }: Woven): string {
  const weave = `interlace=scan=${order}:lowpass=off`;
  const filters = numbers === 'field' ? [DRAW_FIELD_NUMBERS, weave] : [weave, DRAW_NUMBERS];
  return [MOVING(rate, size), ...filters].join(',');
}

/** How much rows below the numbers differ from the mean of their neighbours: large where two moments are woven together. */
export function combing({ width, height, frames }: Pictures): number {
  let sum = 0;
  for (const frame of frames) {
    for (let y = Math.ceil(height / 3); y < height - 1; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const at = (row: number) => frame[row * width + x] ?? 0;
        sum += Math.abs(2 * at(y) - at(y - 1) - at(y + 1));
      }
    }
  }
  return sum / width / height / frames.length;
}

/** Mean levels of the left and the right part of pictures below the numbers: for pictures that are half of one, half of another. */
export function halves(pictures: Pictures): (readonly [number, number])[] {
  return pictures.frames.map((frame) => [
    meanOf(pictures, frame, [0.05, 0.4, 0.45, 0.95]),
    meanOf(pictures, frame, [0.55, 0.4, 0.95, 0.95]),
  ]);
}
