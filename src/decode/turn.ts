import type { ProbedStream } from './ffprobe.js';

/** How a stream is shown. */
export interface Turn {
  /** Clockwise quarter turns: 0, 90, 180 or 270. */
  readonly rotation: number;
  /** Filters that ffmpeg turns it by; none where it is upright, or turned by no quarter. */
  readonly turn: readonly string[];
}

const UPRIGHT: Turn = { rotation: 0, turn: [] };

/** The nine numbers of a matrix as ffprobe prints it: a line for each row, with its number in front. */
function numbersOf(printed: unknown): readonly number[] {
  const rows = String(printed).trim().split('\n');
  return rows.flatMap((row) => row.replace(/^\w+:/, '').trim().split(/\s+/).map(Number));
}

/** What a stream's display matrix says. */
export function turnOf({ side_data_list = [] }: ProbedStream): Turn {
  // Called by another name with a frame than with a stream.
  const isMatrix = (name = '') => name === 'Display Matrix' || name === '3x3 displaymatrix';
  const matrix = side_data_list.find(({ side_data_type }) => isMatrix(side_data_type));
  if (!matrix) return UPRIGHT;
  const degrees = matrix.rotation ?? 0;
  const quarters = Math.round(-degrees / 90);
  // As ffmpeg does: a turn that is no quarter turn is drawn within a picture of the same shape.
  if (Math.abs(-degrees - quarters * 90) > 1) return UPRIGHT;
  const rotation = (((quarters % 4) + 4) % 4) * 90;
  const [a = 0, , , c = 0, d = 0] = numbersOf(matrix.displaymatrix);
  if (rotation === 90) return { rotation, turn: [`transpose=${c > 0 ? 'cclock_flip' : 'clock'}`] };
  if (rotation === 270) return { rotation, turn: [`transpose=${c < 0 ? 'clock_flip' : 'cclock'}`] };
  return { rotation, turn: [...(rotation && a < 0 ? ['hflip'] : []), ...(d < 0 ? ['vflip'] : [])] };
}
