import { requirePath, requireSignal } from '../shared/check-options.js';
import type { MediaInfo } from '../shared/media.js';
import type { Rational } from '../shared/rational.js';
import { findPictures } from './pictures/find-pictures.js';
import { probePictures } from './pictures/probe-pictures.js';
import { probeFile } from './probe.js';

/**
 * Reads what a source holds, without decoding more than one frame: a media file, a picture, or numbered pictures by their
 * pattern (`frames/%06d.png`).
 *
 * @param frameRate of numbered pictures; default 25
 * @throws TinySRError `TSR_INPUT_*` for a source that cannot be upscaled, `TSR_FFMPEG_MISSING`; `TSR_USAGE` for what is no path
 */
export async function probe(path: string, signal?: AbortSignal, frameRate?: Rational): Promise<MediaInfo> {
  requirePath(path, "For example: await probe('in.mp4').");
  requireSignal(signal, 'paths.map((path) => probe(path))');
  const pictures = await findPictures(path);
  return pictures ? probePictures(pictures, frameRate, signal) : probeFile(path, signal);
}
