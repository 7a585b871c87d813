import type { VideoStream } from './media.js';
import { formatRational, type Rational, rationalValue } from './rational.js';

/** Rates of film that was brought to television's by repeating fields. */
export interface Pulldown {
  /** Frames a second of television: 30000/1001 or 30. */
  readonly television: Rational;
  /** Pictures a second of the film in it: four fifths. */
  readonly film: Rational;
}

const NTSC: Pulldown = { television: { num: 30_000, den: 1001 }, film: { num: 24_000, den: 1001 } };
const WHOLE: Pulldown = { television: { num: 30, den: 1 }, film: { num: 24, den: 1 } };

/** Rates apart by less than this share are the same one: containers round. */
const SAME_RATE = 0.0004;
/** Europe's rates: film runs a little faster there, and no field is repeated. */
const NOT_PULLED_DOWN = [25, 50];
/** Film's rate. What is at it or above is film, television, or both, as of a DVD that holds some of each. */
const LEAST_RATE = 23.9;
/** How near to one of Europe's rates an average is that one. */
const NEAR = 0.2;

/** A clock on which film's pictures and television's frames both come on whole ticks. */
export const PULLDOWN_CLOCK: Rational = { num: 1, den: 120_000 };

/** How film was brought to a frame rate; undefined where no field was repeated for it: film runs at that rate itself. */
export function pulldownOf({ frameRate }: Pick<VideoStream, 'frameRate'>): Pulldown | undefined {
  if (!frameRate) return NTSC;
  const rate = rationalValue(frameRate);
  if (rate < LEAST_RATE) return undefined;
  if (NOT_PULLED_DOWN.some((other) => Math.abs(rate - other) < NEAR)) return undefined;
  return [24, 30, 60].some((whole) => Math.abs(rate / whole - 1) < SAME_RATE) ? WHOLE : NTSC;
}

/** Frames in which the same fields come again: four pictures, made of five frames. */
export const CYCLE = 5;

/** Where frames are that the filters get. */
export interface FilmPlace {
  /** PTS of the video's first frame in the filters, in seconds; undefined where the file does not say it. */
  readonly origin: number | undefined;
  /** Whether reading began somewhere in the video, and not with its first frame. */
  readonly sought: boolean;
}

/** Joins the fields that belong to one picture; a frame that stays combed is deinterlaced. */
export function matchFilters(firstField: 'auto' | 'tff' | 'bff'): string[] {
  return [
    `fieldmatch=order=${firstField}:combmatch=full`,
    `bwdif=mode=send_frame:parity=${firstField}:deint=interlaced`,
  ];
}

/**
 * Makes film's pictures of television's frames: frames are brought to an even rate, so that a gap and film that is not
 * repeated keep their time, then one in five, the one that is most like another, is left out. Fives are counted from the
 * video's first frame, wherever reading begins.
 */
export function pulldownFilters(
  { television }: Pulldown,
  match: readonly string[],
  { origin, sought }: FilmPlace,
): string[] {
  const clock = `settb=${formatRational(PULLDOWN_CLOCK)}`;
  const ticks = rationalValue(PULLDOWN_CLOCK);
  const at = Math.round((origin ?? 0) / ticks);
  // Whole frames come at their own time or half-way to the next: a clock that rounds would tip the latter either way.
  const clear = Math.round(0.25 / rationalValue(television) / ticks);
  const whole = `select='if(mod(pts,${CYCLE}),ld(0),st(0,1))'`;
  return [
    clock,
    `setpts=PTS-(${at})+${clear}`,
    `fps=${formatRational(television)}${sought || origin === undefined ? '' : ':start_time=0'}`,
    ...(sought ? [whole] : []),
    clock,
    ...match,
    // By itself it leaves out the first picture of a scene, and of all, where noise makes none of five like another.
    `decimate=cycle=${CYCLE}:dupthresh=100`,
    clock,
    `setpts=PTS+(${at})`,
  ];
}

/** When film's pictures come that are made of frames at the given times, in seconds and in order. */
export function filmTimes(frames: readonly number[], { television, film }: Pulldown): readonly number[] {
  const [first, last] = [frames[0], frames.at(-1)];
  if (first === undefined || last === undefined) return [];
  const pictures = Math.round((last - first + 1 / rationalValue(television)) * rationalValue(film));
  return Array.from({ length: pictures }, (_, index) => first + index / rationalValue(film));
}
