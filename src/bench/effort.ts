import type { BenchMode } from './types.js';

/** How long things may take in a mode. */
export interface Effort {
  /** Seconds of inference, and of encoding. */
  readonly seconds: number;
  /** Seconds of one run of the line: longer, so that filling and draining it weigh little. */
  readonly lineSeconds: number;
  /** Runs of the line. */
  readonly repeats: number;
  /** A first run longer than this stays the only one; null: never. */
  readonly longRunMs: number | null;
  /** A run expected to take longer than this is not made at all but scaled from a smaller size; null: never. */
  readonly scaledRunMs: number | null;
  /** A measuring process is ended after this. */
  readonly timeoutMs: number;
  /** Cells not begun by then are scaled from a smaller size; null: none. */
  readonly deadlineMs: number | null;
  /** Once there is a result, the whole run ends by then with what it has; null: never. */
  readonly limitMs: number | null;
  /** Seconds of the live path with one source, and how many of them, at the end, are measured. */
  readonly stream: { readonly seconds: number; readonly windowSeconds: number };
}

/** What each mode allows. */
export const EFFORTS: Readonly<Record<BenchMode, Effort>> = {
  quick: {
    ...{ seconds: 1.2, lineSeconds: 2, repeats: 2, longRunMs: 1200, scaledRunMs: 2500 },
    ...{ timeoutMs: 60_000, deadlineMs: 16_000, limitMs: 28_000 },
    stream: { seconds: 20, windowSeconds: 5 },
  },
  default: {
    ...{ seconds: 1.6, lineSeconds: 2.5, repeats: 2, longRunMs: 1500, scaledRunMs: 4000 },
    ...{ timeoutMs: 60_000, deadlineMs: 40_000, limitMs: null },
    stream: { seconds: 30, windowSeconds: 10 },
  },
  full: {
    ...{ seconds: 8, lineSeconds: 8, repeats: 3, longRunMs: null, scaledRunMs: null },
    ...{ timeoutMs: 3_600_000, deadlineMs: null, limitMs: null },
    stream: { seconds: 120, windowSeconds: 30 },
  },
};

/**
 * Milliseconds that a measuring process may take when a run has taken `elapsedMs`.
 *
 * @param found whether there is a result already: without one the limit does not hold, as a late one beats none
 */
export function allowedMs({ timeoutMs, limitMs }: Effort, elapsedMs: number, found: boolean): number {
  return limitMs === null || !found ? timeoutMs : Math.max(500, Math.min(timeoutMs, limitMs - elapsedMs));
}

/** Frames of a short run of the line: fewer would mostly fill and drain the encoder's look-ahead. */
const LEAST_FRAMES = 24;

/** Frames of one run of the line at an expected rate. */
export function lineFrames(fps: number, { lineSeconds }: Effort, available: number): number {
  return Math.min(available, Math.max(LEAST_FRAMES, Math.round(fps * lineSeconds)));
}
