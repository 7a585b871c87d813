import type { BenchMode } from './types.js';

/** How long things may take in a mode. */
export interface Effort {
  /** Seconds of inference, and of encoding. */
  readonly seconds: number;
  /** Seconds of one run of the line: longer, so that filling and draining it weigh little. */
  readonly lineSeconds: number;
  /** Runs of the line. */
  readonly repeats: number;
  /** Frames decoded when decoding is measured. */
  readonly decodedFrames: number;
  /** A first run longer than this stays the only one; null: never. */
  readonly longRunMs: number | null;
  /** A measuring process is ended after this. */
  readonly timeoutMs: number;
  /** Milliseconds of the whole run; what is not expected to end by then is predicted. Null: as long as it takes. */
  readonly budgetMs: number | null;
  /** Seconds of the live path with one source, and how many of them, at the end, are measured. */
  readonly stream: { readonly seconds: number; readonly windowSeconds: number };
}

const SHORT = { seconds: 1.2, lineSeconds: 2, repeats: 2, decodedFrames: 120, longRunMs: 1500, timeoutMs: 60_000 };

/** What each mode allows. */
export const EFFORTS: Readonly<Record<BenchMode, Effort>> = {
  quick: { ...SHORT, budgetMs: 26_000, stream: { seconds: 20, windowSeconds: 5 } },
  default: { ...SHORT, budgetMs: 60_000, stream: { seconds: 30, windowSeconds: 10 } },
  full: {
    ...{ seconds: 8, lineSeconds: 8, repeats: 3, decodedFrames: 240, longRunMs: null, timeoutMs: 3_600_000 },
    ...{ budgetMs: null, stream: { seconds: 120, windowSeconds: 30 } },
  },
};

/** Frames of a short run of the line: fewer would mostly fill and drain the encoder's look-ahead. */
const LEAST_FRAMES = 24;

/** Frames of one run of the line at an expected rate. */
export function lineFrames(fps: number, lineSeconds: number, available: number): number {
  return Math.min(available, Math.max(LEAST_FRAMES, Math.round(fps * lineSeconds)));
}
