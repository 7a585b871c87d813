import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TinySRError } from '../shared/errors.js';
import { type Machine, wasBusy } from './machine.js';
import { spread } from './statistics.js';
import { layOut, short } from './text.js';
import type { BenchResult } from './types.js';

const numbers = z.object({ median: z.number(), min: z.number(), max: z.number(), repeats: z.number() });
const row = z.object({
  model: z.string(),
  provider: z.string(),
  size: z.object({ name: z.string() }),
  basis: z.enum(['measured', 'one-frame', 'scaled']),
  /** Live rows only. */
  sourceFps: z.number().optional(),
  /** Rows of inference only. */
  batch: z.number().optional(),
  check: z.object({ ok: z.boolean() }).nullish(),
  fps: numbers,
});
const old = z.object({
  schema: z.literal('tinysr-video-bench/1'),
  date: z.string(),
  mode: z.string().optional(),
  input: z.string().optional(),
  machine: z.object({
    ...{ cpu: z.string(), cores: z.number(), threads: z.number() },
    ...{ os: z.string().optional(), gpu: z.string().nullish(), load: z.number().optional() },
    versions: z.record(z.string(), z.string()).default({}),
  }),
  infer: z.array(row).readonly(),
  pipeline: z.array(row).readonly(),
  stream: z.array(row).readonly().default([]),
});

/** As much of an earlier result as a comparison needs. */
export type OldResult = z.infer<typeof old>;
type OldRow = z.infer<typeof row>;

/** How a cell's speed changed. */
export interface Change {
  readonly what: 'infer' | 'pipeline' | 'stream';
  readonly model: string;
  readonly provider: string;
  readonly size: string;
  readonly before: number;
  readonly after: number;
  /** Relative change: 0.1 is 10 % faster. */
  readonly change: number;
  /** Relative size of what repeats alone may do to it; a smaller change says nothing. Null when one is a prediction. */
  readonly noise: number | null;
  /** `busy`: beyond the noise, but others were at work on the machine in one of the runs, and may be why. */
  readonly verdict: 'faster' | 'slower' | 'same' | 'busy';
}

/** An earlier result, and what changed since. */
export interface Comparison {
  readonly before: OldResult;
  readonly changes: readonly Change[];
}

/** What was measured, in words. */
export const WORDS: Readonly<Record<Change['what'], string>> = {
  infer: 'inference',
  pipeline: 'end to end',
  stream: 'live',
};

/** Noise below which no machine can be trusted: clocks and caches differ between two runs. */
const LEAST_NOISE = 0.02;
/** Change up to which a cell that a run has only predicted counts as the same. */
const PREDICTED_NOISE = 0.25;

/** What `predicted` means in place of a noise. */
export const PREDICTED_LEGEND = `predicted: not measured in one of the runs, so that changes up to ${100 * PREDICTED_NOISE} % count as noise`;

/** Reads what an earlier `--json` printed. @throws TinySRError `TSR_USAGE` */
export async function readResult(file: string): Promise<OldResult> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new TinySRError('TSR_USAGE', `${file}: cannot be read`, {
      hint: 'Keep an earlier run first: tinysr-video bench --json > old.json',
      cause,
    });
  });
  try {
    return old.parse(JSON.parse(text));
  } catch (cause) {
    throw new TinySRError('TSR_USAGE', `${file}: is not what tinysr-video bench --json prints`, {
      hint: 'Make one with tinysr-video bench --json > old.json',
      cause,
    });
  }
}

/** A size; that of a live source with its rate. */
function sizeText({ size, sourceFps }: OldRow): string {
  return sourceFps === undefined ? size.name : `${size.name} at ${sourceFps}`;
}

function change(what: Change['what'], before: OldRow, after: OldRow, busy: boolean): Change {
  const relative = after.fps.median / before.fps.median - 1;
  const exact = before.basis === 'measured' && after.basis === 'measured';
  const noise = exact ? Math.max(LEAST_NOISE, Math.hypot(spread(before.fps), spread(after.fps))) : null;
  const beyond = Math.abs(relative) > (noise ?? PREDICTED_NOISE);
  return {
    ...{ what, model: after.model, provider: after.provider, size: sizeText(after) },
    ...{ before: before.fps.median, after: after.fps.median, change: relative, noise },
    verdict: !beyond ? 'same' : busy ? 'busy' : relative > 0 ? 'faster' : 'slower',
  };
}

/** Pairs the cells that both runs have and whose results are right: of a wrong one the speed does not count. */
export function compareResults(
  before: OldResult,
  after: Pick<BenchResult, 'infer' | 'pipeline' | 'stream' | 'machine'>,
): Change[] {
  const busy = wasBusy(before.machine) || wasBusy(after.machine);
  const key = (cell: OldRow) => JSON.stringify([cell.model, cell.provider, sizeText(cell)]);
  return (['infer', 'pipeline', 'stream'] as const).flatMap((what) => {
    const right = ({ check }: OldRow) => check?.ok !== false;
    const known = new Map(before[what].filter(right).map((cell) => [key(cell), cell]));
    return after[what].filter(right).flatMap((cell) => {
      const match = known.get(key(cell));
      return match ? [change(what, match, cell, busy)] : [];
    });
  });
}

/** Names of what has versions. */
const PROGRAMS: Readonly<Record<keyof Machine['versions'], string>> = {
  tinysrVideo: 'tinysr-video',
  node: 'node',
  onnxruntime: 'onnxruntime',
  ffmpeg: 'ffmpeg',
};

/** What else was different than the program: changes may come from that. */
function otherConditions(before: OldResult, after: BenchResult): string[] {
  const { cpu, cores, threads, os, gpu, versions } = before.machine;
  const now = after.machine;
  const batches = (rows: readonly OldRow[]) => [...new Set(rows.flatMap(({ batch }) => batch ?? []))].sort().join(', ');
  const [batch, batchNow] = [batches(before.infer), batches(after.infer)];
  const differs = (old: string | undefined, is: string) => old !== undefined && old !== is;
  return [
    ...(cpu !== now.cpu || cores !== now.cores ? [`another machine (${cpu}, ${cores} cores)`] : []),
    ...(gpu === undefined || gpu === now.gpu ? [] : [`${gpu ?? 'no NVIDIA GPU'}, not ${now.gpu ?? 'none'}`]),
    ...(differs(os, now.os) ? [`${os}, not ${now.os}`] : []),
    ...(Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[])
      .filter((program) => differs(versions[program], now.versions[program]))
      .map((program) => `${PROGRAMS[program]} ${versions[program]}, not ${now.versions[program]}`),
    ...(threads === now.threads ? [] : [`${threads} threads, not ${now.threads}`]),
    ...(differs(before.mode, after.mode) ? [`a ${before.mode} run, not a ${after.mode} one`] : []),
    ...(differs(before.input, after.input) ? [`another input (${before.input})`] : []),
    ...(batch && batchNow && batch !== batchNow ? [`batches of ${batch}, not ${batchNow}`] : []),
  ];
}

/** Since when, what else was different, and whether that and others at work leave anything to say; a sentence each. */
export function changesHead(before: OldResult, after: BenchResult): string[] {
  const others = otherConditions(before, after);
  const runs = [
    { name: 'then', machine: before.machine },
    { name: 'now', machine: after.machine },
  ].filter(({ machine }) => wasBusy(machine));
  const loads = runs.map(({ name, machine }) => `${name} (load ${machine.load?.toFixed(1)} on ${machine.cores} cores)`);
  return [
    `Changes since ${before.date}${others.length ? `, which had ${others.join('; ')}` : ''}`,
    ...(loads.length ? [`The machine was busy ${loads.join(' and ')}, so nothing is called faster or slower`] : []),
  ];
}

/** A verdict in words. */
export function verdictText({ verdict }: Change): string {
  return verdict === 'same' ? 'within noise' : verdict === 'busy' ? 'none: machine busy' : verdict;
}

/** The changes for a terminal. */
export function renderChanges(before: OldResult, after: BenchResult, changes: readonly Change[]): string {
  const head = ['model, device', 'what', 'fps before', 'after', 'change', 'noise', 'verdict'];
  const signed = (share: number) => `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}%`;
  const body = changes.map((cell) => [
    `${cell.model}, ${cell.provider}`,
    `${cell.size} ${WORDS[cell.what]}`,
    short(cell.before),
    short(cell.after),
    signed(cell.change),
    cell.noise === null ? 'predicted' : `+-${(100 * cell.noise).toFixed(1)}%`,
    verdictText(cell),
  ]);
  return [
    ...changesHead(before, after),
    changes.length ? layOut([head, ...body]) : 'no cell is in both runs',
    ...(changes.some(({ noise }) => noise === null) ? ['', PREDICTED_LEGEND] : []),
    '',
  ].join('\n');
}
