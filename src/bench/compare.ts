import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TinySRError } from '../shared/errors.js';
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
  input: z.string().optional(),
  machine: z.object({ cpu: z.string(), cores: z.number(), threads: z.number() }),
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
  readonly verdict: 'faster' | 'slower' | 'same';
}

/** What was measured, in words. */
export const WORDS: Readonly<Record<Change['what'], string>> = {
  infer: 'inference',
  pipeline: 'end to end',
  stream: 'live',
};

/** Noise below which no machine can be trusted: clocks and caches differ between two runs. */
const LEAST_NOISE = 0.02;

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

function change(what: Change['what'], before: OldRow, after: OldRow): Change {
  const relative = after.fps.median / before.fps.median - 1;
  const exact = before.basis === 'measured' && after.basis === 'measured';
  const noise = exact ? Math.max(LEAST_NOISE, Math.hypot(spread(before.fps), spread(after.fps))) : null;
  const beyond = Math.abs(relative) > (noise ?? 0.25);
  return {
    ...{ what, model: after.model, provider: after.provider, size: sizeText(after) },
    ...{ before: before.fps.median, after: after.fps.median, change: relative, noise },
    verdict: beyond ? (relative > 0 ? 'faster' : 'slower') : 'same',
  };
}

/** Pairs the cells that both runs have and whose results are right: of a wrong one the speed does not count. */
export function compareResults(before: OldResult, after: Pick<BenchResult, 'infer' | 'pipeline' | 'stream'>): Change[] {
  const key = (cell: OldRow) => JSON.stringify([cell.model, cell.provider, sizeText(cell)]);
  return (['infer', 'pipeline', 'stream'] as const).flatMap((what) => {
    const right = ({ check }: OldRow) => check?.ok !== false;
    const known = new Map(before[what].filter(right).map((cell) => [key(cell), cell]));
    return after[what].filter(right).flatMap((cell) => {
      const match = known.get(key(cell));
      return match ? [change(what, match, cell)] : [];
    });
  });
}

/** What else was different than the program: changes may come from that. */
function otherConditions(before: OldResult, after: BenchResult): string[] {
  const { cpu, cores, threads } = before.machine;
  const machine = cpu !== after.machine.cpu || cores !== after.machine.cores;
  const batches = (rows: readonly OldRow[]) => [...new Set(rows.flatMap(({ batch }) => batch ?? []))].sort().join(', ');
  const [batch, batchNow] = [batches(before.infer), batches(after.infer)];
  return [
    ...(machine ? [`another machine (${cpu}, ${cores} cores)`] : []),
    ...(threads === after.machine.threads ? [] : [`${threads} threads, not ${after.machine.threads}`]),
    ...(before.input === undefined || before.input === after.input ? [] : [`another input (${before.input})`]),
    ...(batch && batchNow && batch !== batchNow ? [`batches of ${batch}, not ${batchNow}`] : []),
  ];
}

/** The changes for a terminal. */
export function renderChanges(before: OldResult, after: BenchResult, changes: readonly Change[]): string {
  const others = otherConditions(before, after);
  const head = ['model, device', 'what', 'fps before', 'after', 'change', 'noise', 'verdict'];
  const signed = (share: number) => `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}%`;
  const body = changes.map((cell) => [
    `${cell.model}, ${cell.provider}`,
    `${cell.size} ${WORDS[cell.what]}`,
    short(cell.before),
    short(cell.after),
    signed(cell.change),
    cell.noise === null ? 'predicted' : `+-${(100 * cell.noise).toFixed(1)}%`,
    cell.verdict === 'same' ? 'within noise' : cell.verdict,
  ]);
  return [
    `Changes since ${before.date}${others.length ? `, which had ${others.join('; ')}` : ''}`,
    changes.length ? layOut([head, ...body]) : 'no cell is in both runs',
    '',
  ].join('\n');
}
