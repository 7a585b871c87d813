import type { VideoStream } from './media.js';
import { type Rational, rationalValue, reduced } from './rational.js';

/** What a user can ask for: by what the file says, never, one picture of each frame, one of each field. */
export const DEINTERLACE_CHOICES = ['auto', 'off', 'frame', 'field'] as const;
/** Which field of a frame was taken first: as the file says, or the one named. */
export const FIELD_ORDERS = ['auto', 'top', 'bottom'] as const;
export type DeinterlaceChoice = (typeof DEINTERLACE_CHOICES)[number];
export type FieldOrderChoice = (typeof FIELD_ORDERS)[number];

/** How interlaced frames become whole pictures. */
export interface Deinterlacing {
  /** What becomes a picture of its own: each frame, or each field of every frame. */
  readonly each: 'frame' | 'field';
  /** Frames that are marked as interlaced in the stream, or all. Fields are made of all only. */
  readonly which: 'marked' | 'all';
  /** `auto`: as each frame is marked, top where it is not. */
  readonly firstField: FieldOrderChoice;
}

/** Frames a second where the source says no rate. */
const USUAL_RATE: Rational = { num: 25, den: 1 };

/**
 * Usual frame durations after which the next frame is late: frames are missing then, and the second field did not come
 * half-way to it. One that is missing is still bridged evenly, and so is a rate that counts fields for frames.
 */
const LATE = 2.5;

const PARITY = { auto: 'auto', top: 'tff', bottom: 'bff' } as const;

/**
 * Gives second fields their times. The filter puts them half-way to the next frame, which is wrong in a gap, and gives a
 * frame that has no next one the same time twice.
 */
function secondFieldTimes(rate: Rational): string {
  const half = `${rate.den}/${2 * rate.num}/TB`;
  const isUsual = `between(PTS-PREV_OUTPTS,1,${LATE}*${half})`;
  return `setpts='if(mod(N,2)*not(${isUsual}),PREV_OUTPTS+round(${half}),PTS)'`;
}

/** The filters that make whole pictures of decoded frames; none where nothing is to be done. */
export function deinterlaceFilters(
  { frameRate = USUAL_RATE }: Pick<VideoStream, 'frameRate'>,
  deinterlacing: Deinterlacing | undefined,
): string[] {
  if (!deinterlacing) return [];
  const { each, which, firstField } = deinterlacing;
  const deint = which === 'all' ? 'all' : 'interlaced';
  const filter = `bwdif=mode=send_${each}:parity=${PARITY[firstField]}:deint=${deint}`;
  return each === 'field' ? [filter, secondFieldTimes(frameRate)] : [filter];
}

/** When the pictures come that are made of frames at the given times, in seconds and in order: as the filters say it. */
export function pictureTimes(
  frames: readonly number[],
  { frameRate = USUAL_RATE }: Pick<VideoStream, 'frameRate'>,
  deinterlacing: Deinterlacing | undefined,
): readonly number[] {
  if (deinterlacing?.each !== 'field') return frames;
  const half = 0.5 / rationalValue(frameRate);
  return frames.flatMap((time, index) => {
    const between = ((frames[index + 1] ?? time) - time) / 2;
    return [time, time + (between > 0 && between <= LATE * half ? between : half)];
  });
}

/** The clock and the rate of pictures: fields come twice as often as frames, and half-way between ticks. */
export function pictureClock(
  { timeBase, frameRate }: Pick<VideoStream, 'timeBase' | 'frameRate'>,
  deinterlacing: Deinterlacing | undefined,
): { readonly timeBase: Rational; readonly frameRate: Rational | undefined } {
  if (deinterlacing?.each !== 'field') return { timeBase, frameRate };
  return {
    timeBase: reduced({ num: timeBase.num, den: 2 * timeBase.den }),
    frameRate: frameRate && reduced({ num: 2 * frameRate.num, den: frameRate.den }),
  };
}
