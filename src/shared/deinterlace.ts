import type { VideoStream } from './media.js';
import { type FilmPlace, filmTimes, matchFilters, PULLDOWN_CLOCK, type Pulldown, pulldownFilters } from './pulldown.js';
import { type Rational, rationalValue, reduced } from './rational.js';

/** What a user can ask for: by what the file says, never, one picture of each frame, one of each field, those of a film. */
export const DEINTERLACE_CHOICES = ['auto', 'off', 'frame', 'field', 'film'] as const;
/** Which field of a frame was taken first: as the file says, or the one named. */
export const FIELD_ORDERS = ['auto', 'top', 'bottom'] as const;
export type DeinterlaceChoice = (typeof DEINTERLACE_CHOICES)[number];
export type FieldOrderChoice = (typeof FIELD_ORDERS)[number];

/** How interlaced frames become whole pictures. */
export interface Deinterlacing {
  /** What becomes a picture of its own: each frame, each field of every frame, or each picture of the film in them. */
  readonly each: 'frame' | 'field' | 'film';
  /** Frames that are marked as interlaced in the stream, or all. Fields and film are made of all only. */
  readonly which: 'marked' | 'all';
  /** `auto`: as each frame is marked, top where it is not. */
  readonly firstField: FieldOrderChoice;
  /** Of film: how fields were repeated; undefined where none were. */
  readonly pulldown: Pulldown | undefined;
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

/** Options before the `-i` of a source whose frames go through {@link deinterlaceFilters}, which turn them, too. */
export function deinterlaceInput(
  { turn }: Pick<VideoStream, 'turn'>,
  deinterlacing: Deinterlacing | undefined,
): readonly string[] {
  return deinterlacing && turn.length ? ['-noautorotate'] : [];
}

/**
 * The filters that make whole pictures of decoded frames; none where nothing is to be done. Turned ones are turned by them
 * as well, and not by ffmpeg before: fields are rows, in an order that is counted from the top.
 *
 * @param place where in the video the frames are, on the clock that they have there
 */
export function deinterlaceFilters(
  video: Pick<VideoStream, 'frameRate' | 'turn'>,
  deinterlacing: Deinterlacing | undefined,
  place: FilmPlace,
): string[] {
  return deinterlacing ? [...wholePictures(video, deinterlacing, place), ...video.turn] : [];
}

function wholePictures(
  { frameRate = USUAL_RATE }: Pick<VideoStream, 'frameRate'>,
  deinterlacing: Deinterlacing,
  place: FilmPlace,
): string[] {
  const { each, which, firstField, pulldown } = deinterlacing;
  const parity = PARITY[firstField];
  if (each === 'film') {
    const match = matchFilters(parity);
    return pulldown ? pulldownFilters(pulldown, match, place) : match;
  }
  const deint = which === 'all' ? 'all' : 'interlaced';
  const filter = `bwdif=mode=send_${each}:parity=${parity}:deint=${deint}`;
  return each === 'field' ? [filter, secondFieldTimes(frameRate)] : [filter];
}

/** When the pictures come that are made of frames at the given times, in seconds and in order: as the filters say it. */
export function pictureTimes(
  frames: readonly number[],
  { frameRate = USUAL_RATE }: Pick<VideoStream, 'frameRate'>,
  deinterlacing: Deinterlacing | undefined,
): readonly number[] {
  if (deinterlacing?.pulldown) return filmTimes(frames, deinterlacing.pulldown);
  if (deinterlacing?.each !== 'field') return frames;
  const half = 0.5 / rationalValue(frameRate);
  return frames.flatMap((time, index) => {
    const between = ((frames[index + 1] ?? time) - time) / 2;
    return [time, time + (between > 0 && between <= LATE * half ? between : half)];
  });
}

/** How many pictures are made of a frame, on average. */
export function picturesPerFrame(
  { frameRate }: Pick<VideoStream, 'frameRate'>,
  deinterlacing: Deinterlacing | undefined,
): number {
  if (deinterlacing?.each === 'field') return 2;
  if (!deinterlacing?.pulldown || !frameRate) return 1;
  return rationalValue(deinterlacing.pulldown.film) / rationalValue(frameRate);
}

/**
 * The clock and the rate of pictures: fields come twice as often as frames, and half-way between ticks; film has a rate of
 * its own.
 */
export function pictureClock(
  { timeBase, frameRate }: Pick<VideoStream, 'timeBase' | 'frameRate'>,
  deinterlacing: Deinterlacing | undefined,
): { readonly timeBase: Rational; readonly frameRate: Rational | undefined } {
  if (deinterlacing?.pulldown) return { timeBase: PULLDOWN_CLOCK, frameRate: deinterlacing.pulldown.film };
  if (deinterlacing?.each !== 'field') return { timeBase, frameRate };
  return {
    timeBase: reduced({ num: timeBase.num, den: 2 * timeBase.den }),
    frameRate: frameRate && reduced({ num: 2 * frameRate.num, den: frameRate.den }),
  };
}
