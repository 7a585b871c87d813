import type { UpscaleVideoOptions } from './options.js';
import type { VideoPlan } from './plan.js';

/** Seconds by which a picture may end before its track says: the last frame's own, and what clocks are rounded to. */
const SLACK_SECONDS = 1;

/**
 * Whether a file ends before its index says, as a download that broke off between two packets: ffmpeg takes it for the end
 * then and says nothing. Of mp4 and mov only, whose index names every frame; that fewer of them come than it names proves
 * nothing by itself, as an edit list may hide some.
 *
 * @param frames that came
 * @param lastSeconds time of the last of them on the source's clock; undefined when none came in this run
 * @returns what is missing, in words
 */
export function cutOff(
  { encode, totalFrames }: Pick<VideoPlan, 'encode' | 'totalFrames'>,
  { end, frames: asked, start }: Pick<UpscaleVideoOptions, 'start' | 'end' | 'frames'>,
  frames: number,
  lastSeconds: number | undefined,
): string | undefined {
  const { format, startTime, video } = encode.source;
  if (!format.startsWith('mov') || end !== undefined || asked !== undefined || start !== undefined) return undefined;
  if (!video.frameCountAnnounced || totalFrames === undefined) return undefined;
  if (video.seconds === undefined || lastSeconds === undefined) return undefined;
  if (frames >= totalFrames || lastSeconds + SLACK_SECONDS >= startTime + video.seconds) return undefined;
  return `it ends after ${frames} of ${totalFrames} frames`;
}
