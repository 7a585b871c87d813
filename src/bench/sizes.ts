import { TinySRError } from '../shared/errors.js';
import { MAX_SIDE, MIN_SIDE } from '../shared/limits.js';
import type { BenchSize } from './types.js';

/** Input sizes that have a name, 16:9. */
export const NAMED_SIZES: readonly BenchSize[] = [
  { name: '240p', width: 426, height: 240 },
  { name: '270p', width: 480, height: 270 },
  { name: '360p', width: 640, height: 360 },
  { name: '480p', width: 854, height: 480 },
  { name: '720p', width: 1280, height: 720 },
];

/** Sizes of a quick run. */
export const QUICK_SIZES: readonly BenchSize[] = NAMED_SIZES.slice(0, 2);

/** Sizes of a live run: one that two cores keep up with, and one that they do not. */
export const STREAM_SIZES: readonly BenchSize[] = NAMED_SIZES.filter(({ name }) => name === '270p' || name === '720p');

/** The size that headlines and charts of one size are about. */
export const HEADLINE_SIZE = '270p';

/** Pixels of a frame. */
export function pixels({ width, height }: BenchSize): number {
  return width * height;
}

/** Reads `270p` or `480x270`. @throws TinySRError `TSR_USAGE` */
export function parseSize(text: string): BenchSize {
  const named = NAMED_SIZES.find(({ name }) => name === text.toLowerCase());
  if (named) return named;
  const match = /^(\d{2,5})x(\d{2,5})$/i.exec(text);
  const [width, height] = [Number(match?.[1]), Number(match?.[2])];
  const fits = (side: number) => side >= MIN_SIDE && side <= MAX_SIDE && side % 2 === 0;
  if (!match || !fits(width) || !fits(height)) {
    throw new TinySRError('TSR_USAGE', `size ${text} is not valid`, {
      hint: `Use ${NAMED_SIZES.map(({ name }) => name).join(', ')} or WxH with even sides, for example 480x270.`,
    });
  }
  return { name: `${width}x${height}`, width, height };
}
