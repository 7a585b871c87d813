import { TinySRError } from '../../shared/errors.js';
import type { MediaInfo, PictureSequence } from '../../shared/media.js';
import { pathOf } from '../../shared/pattern.js';
import { lastReason } from '../ffprobe.js';
import { findPictures } from './find-pictures.js';
import { probePictures } from './probe-pictures.js';

/** Pictures looked at from the one on that should be it: ffmpeg may have had some more under way. */
const LOOKED_AT = 32;

/** What is wrong with a picture of a sequence; undefined when it is as the first is. */
async function faultOf(file: string, { width, height }: MediaInfo['video']): Promise<string | undefined> {
  try {
    const found = await findPictures(file);
    if (!found) return 'is not a picture that can be read';
    const { video } = await probePictures(found, undefined);
    return video.width === width && video.height === height
      ? undefined
      : `is ${video.width}x${video.height}, the first one ${width}x${height}`;
  } catch (error) {
    if (!(error instanceof TinySRError)) throw error;
    return `cannot be read (${error.message.replace(`${file}: `, '')})`;
  }
}

/**
 * Finds the picture that ended the decoder of a sequence.
 *
 * @param from how many pictures came before it
 */
export async function oddPicture(
  { path, video }: MediaInfo,
  { pattern, first, count }: PictureSequence,
  from: number,
  stderr: string,
): Promise<TinySRError> {
  const hint =
    'All pictures of a sequence have one size: make the odd one anew, or move it and what follows elsewhere.';
  const cause = new Error(stderr);
  for (let index = from; index < Math.min(count, from + LOOKED_AT); index += 1) {
    const file = pathOf(pattern, first + index);
    const fault = await faultOf(file, video);
    if (fault) return new TinySRError('TSR_INPUT_SEQUENCE', `${file}: ${fault}`, { hint, cause });
  }
  const near = pathOf(pattern, Math.min(first + from, first + count - 1));
  return new TinySRError('TSR_INPUT_SEQUENCE', `${path}: no picture came from ${near} on (${lastReason(stderr)})`, {
    hint: 'Is it damaged, or was it taken away meanwhile?',
    cause,
  });
}
