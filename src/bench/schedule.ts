import type { Provider } from '../infer/types.js';
import type { Candidate } from './select.js';
import { HEADLINE_SIZE, pixels } from './sizes.js';
import type { BenchSize } from './types.js';

/** One model on one device at one size. */
export interface Cell {
  readonly candidate: Candidate;
  readonly provider: Provider;
  readonly size: BenchSize;
}

/** Something to measure in one go. */
export interface Job extends Cell {
  /** The stages by themselves, or all of them as one line. */
  readonly what: 'stages' | 'line';
  /** Nothing else tells of this model on this device, and checks what it makes there: measured while there is time. */
  readonly needed: boolean;
}

/** The size that is measured first: that of the headlines, or else the smallest. */
export function firstSize(sizes: readonly BenchSize[]): BenchSize | undefined {
  const smallest = sizes.reduce<BenchSize | undefined>((a, b) => (a && pixels(a) <= pixels(b) ? a : b), undefined);
  return sizes.find(({ name }) => name === HEADLINE_SIZE) ?? smallest;
}

/** All cells, in the order of the results. */
export function cellsOf(
  candidates: readonly Candidate[],
  providers: readonly Provider[],
  sizes: readonly BenchSize[],
): Cell[] {
  return candidates.flatMap((candidate) =>
    providers.flatMap((provider) => sizes.map((size) => ({ candidate, provider, size }))),
  );
}

/**
 * The jobs of a run, the most telling ones first, as a run whose time is up predicts the rest: what the first model
 * does at the usual size; every other model there, with the check of its pictures; the first model at all sizes, by
 * itself and then as a line; the lines of the others; the others at all sizes.
 */
export function schedule(
  candidates: readonly Candidate[],
  providers: readonly Provider[],
  sizes: readonly BenchSize[],
): Job[] {
  const usual = firstSize(sizes);
  if (!usual) return [];
  const more = sizes.filter((size) => size !== usual).sort((a, b) => pixels(a) - pixels(b));
  const jobs = (what: Job['what'], of: readonly Candidate[], at: readonly BenchSize[]): Job[] =>
    cellsOf(of, providers, at).map((cell) => ({ ...cell, what, needed: what === 'stages' && cell.size === usual }));
  const [first, others] = [candidates.slice(0, 1), candidates.slice(1)];
  return [
    ...jobs('stages', first, [usual]),
    ...jobs('line', first, [usual]),
    ...jobs('stages', others, [usual]),
    ...jobs('stages', first, more),
    ...jobs('line', first, more),
    ...jobs('line', others, [usual]),
    ...others.flatMap((other) => [...jobs('stages', [other], more), ...jobs('line', [other], more)]),
  ];
}

/** Whether both are about the same cell. */
export function sameCell(a: Cell, b: Cell): boolean {
  return a.candidate === b.candidate && a.provider === b.provider && a.size.name === b.size.name;
}

/** What is still going to be measured, and how long that takes. */
export interface Outlook {
  readonly jobs: readonly Job[];
  readonly ms: number;
}

/**
 * Chooses from the jobs that are left those that fit into the time that is left, in their order; jobs that are needed
 * are chosen in any case, and their time is kept for them. A line goes with stages: measured, or chosen too.
 *
 * @param expectedMs how long a job takes
 * @param measured whether a cell's stages were measured, and by more than one frame
 */
export function outlook(
  jobs: readonly Job[],
  leftMs: number,
  expectedMs: (job: Job) => number,
  measured: (cell: Cell) => boolean,
): Outlook {
  let kept = jobs.filter(({ needed }) => needed).reduce((sum, job) => sum + expectedMs(job), 0);
  let ms = 0;
  const chosen: Job[] = [];
  for (const job of jobs) {
    const own = expectedMs(job);
    if (job.needed) kept -= own;
    else if (ms + own + kept > leftMs) continue;
    const stages = (other: Job) => other.what === 'stages' && sameCell(other, job);
    if (job.what === 'line' && !measured(job) && !chosen.some(stages)) continue;
    ms += own;
    chosen.push(job);
  }
  return { jobs: chosen, ms };
}
