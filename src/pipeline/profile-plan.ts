import type { PictureTarget } from '../encode/pictures/formats.js';
import type { PicturePlan } from '../encode/plan.js';
import type { PictureSource } from '../shared/media.js';

const INKS = 'four inks (CMYK) become RGB without a look at their profile, so colours may look different';
const DROPPED = 'the colour profile is dropped, so colours may look different';

/** Whether samples of an ffmpeg pixel format are grey. */
export const isGrey = (pixelFormat: string) => /^(gray|ya\d|mono)/.test(pixelFormat);

/** How a source's colour profile gets into pictures; undefined where it does not, or is about other colours than theirs. */
export function profileWay(
  pictures: PictureSource | undefined,
  { format, pattern }: PictureTarget,
  pixelFormat: string,
): PicturePlan['profile'] {
  const space = isGrey(pixelFormat) ? 'GRAY' : 'RGB';
  return pictures?.profile === space && !(pattern && format.profile === 'inserted') ? format.profile : undefined;
}

/**
 * What of a source's colours is lost in pictures.
 *
 * @param kept how its profile gets into them
 * @param coloured what they are where they have colours even if the source is grey, as a comparison
 */
export function profileWarnings(
  { profile, inks }: PictureSource,
  { format, pattern }: PictureTarget,
  kept: PicturePlan['profile'],
  coloured?: string,
): string[] {
  if (inks) return [`${INKS}: for exact ones, make them RGB first by a program that knows profiles`];
  if (profile === undefined || kept) return [];
  if (!format.profile || (format.profile === 'inserted' && pattern)) return [`${DROPPED}: PNG and JPEG keep it`];
  if (profile === 'unknown') return [`${DROPPED}: it is broken`];
  const grey = coloured ? `, and ${coloured} has colours` : ': PNG and TIFF, which can be grey, keep it';
  return [`${DROPPED}: it is one for ${profile}${profile === 'GRAY' ? grey : ''}`];
}

/** What a source's colours lose where it becomes a video. */
export function profileWarningsOfVideo({ profile, inks }: PictureSource): string[] {
  if (inks) return [INKS];
  return profile ? ['the colour profile of the pictures is dropped: a video has none'] : [];
}
