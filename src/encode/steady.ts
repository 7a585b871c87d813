/** How much of what comes and goes between frames is averaged away. */
export const STEADINESS = ['light', 'strong'] as const;
export type Steadiness = (typeof STEADINESS)[number];

/** Frames that a picture is averaged over: four before it, itself, four after. */
const WINDOW = 9;

/**
 * How often the first frame is given before it comes, a nanosecond apart: fed with fewer frames than half its window, the
 * filter (of ffmpeg 5.1) never ends. It repeats that frame by itself anyway, and what was put before it is cut off again.
 */
export const STEADY_LEAD = 4;

/**
 * By how much of the full range a pixel of one other frame, and those of all others together, may differ from this
 * frame's: what differs more is motion and is left alone.
 */
const THRESHOLDS: Readonly<Record<Steadiness, { readonly one: number; readonly all: number }>> = {
  light: { one: 0.02, all: 0.04 },
  strong: { one: 0.03, all: 0.07 },
};

/**
 * Averages each pixel with the same pixel of neighbouring frames as long as they hardly differ (ffmpeg's `atadenoise`).
 * It changes neither the number of frames (but for {@link STEADY_LEAD}) nor their PTS. Behind the model and not before it, because noise that the model has
 * sharpened is told from motion more easily than motion that has been blurred is made sharp again.
 */
export function steadyFilter(steadiness: Steadiness): string {
  const { one, all } = THRESHOLDS[steadiness];
  const planes = [0, 1, 2].map((plane) => `${plane}a=${one}:${plane}b=${all}`);
  return `atadenoise=s=${WINDOW}:${planes.join(':')},trim=start_frame=${STEADY_LEAD}`;
}
