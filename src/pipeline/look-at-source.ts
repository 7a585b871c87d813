import { join } from 'node:path';
import { countClockJumps, mendClock } from '../decode/clock.js';
import { countFrames } from '../decode/packet-times.js';
import { probe } from '../decode/probe-source.js';
import { stereoOfPicture } from '../decode/stereo.js';
import type { MediaInfo } from '../shared/media.js';
import type { Rational } from '../shared/rational.js';
import { COPIES } from './spool.js';

/** A folder for intermediate files, or what makes one when it is needed. */
export type Scratch = string | (() => Promise<string>);

/** The folder of a {@link Scratch}. */
export function scratchPath(scratch: Scratch): Promise<string> {
  return typeof scratch === 'string' ? Promise.resolve(scratch) : scratch();
}

/**
 * Looks at a source. One whose clock jumps back is copied to a file whose clock goes on, as no other container can hold
 * such times.
 *
 * @param frameRate of numbered pictures
 * @throws TinySRError as `probe` and `mendClock`
 */
export async function lookAtSource(
  path: string,
  scratch: Scratch,
  signal?: AbortSignal,
  frameRate?: Rational,
): Promise<{ readonly source: MediaInfo; readonly warnings: readonly string[] }> {
  const source = await probe(path, signal, frameRate);
  const [jumps, frames, stereo] = await Promise.all([
    countClockJumps(source, signal),
    countFrames(source, signal),
    stereoOfPicture(source, signal),
  ]);
  const known = (info: MediaInfo): MediaInfo => ({
    ...info,
    video: { ...info.video, frameCount: frames ?? info.video.frameCount, stereo },
  });
  if (jumps === 0) return { source: known(source), warnings: [] };
  const mended = join(await scratchPath(scratch), COPIES.mended);
  await mendClock(source, mended, signal);
  const places = jumps === 1 ? 'once' : `${jumps} times`;
  return {
    source: known(await probe(mended, signal)),
    warnings: [`the clock of the source starts anew ${places}: what follows is joined on`],
  };
}
