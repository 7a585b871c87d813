import { probe } from '../decode/probe-source.js';
import { TinySRError } from '../shared/errors.js';
import type { Budget } from './budget.js';
import { lineFrames } from './effort.js';
import { type CellRows, Findings } from './findings.js';
import { runCell } from './run-cell.js';
import { cellsOf, type Job, outlook, schedule } from './schedule.js';
import { selectDevices, selectModels } from './select.js';
import { NAMED_SIZES, pixels, QUICK_SIZES } from './sizes.js';
import { type Clip, makeClips } from './source-clip.js';
import type { StreamContext } from './stream/run-stream.js';
import type { BenchOptions, BenchResult, CellReply, CellRequest } from './types.js';

/** Frames of a clip that does not say how many it has. */
const USUAL_FRAMES = 240;
/** Different frames that are run and encoded. */
const PICTURES = 24;
/** Runs that measuring a cell takes, with the check on one thread: one that has no time for so many measures one. */
const RUNS_OF_CELL = 20;
/** Milliseconds of a job that nothing is known of. */
const UNKNOWN_MS = 6000;

/** What measuring files needs. */
export interface FilesContext extends StreamContext {
  readonly budget: Budget;
}

async function clips({ input, mode, sizes }: BenchOptions, scratch: string, signal: AbortSignal): Promise<Clip[]> {
  if (input === undefined) {
    const wanted = [...(sizes ?? (mode === 'quick' ? QUICK_SIZES : NAMED_SIZES))];
    return makeClips(
      wanted.sort((a, b) => pixels(a) - pixels(b)),
      scratch,
      signal,
    );
  }
  const { video } = await probe(input, signal);
  const { width, height, frameCount = USUAL_FRAMES } = video;
  return [{ size: { name: `${width}x${height}`, width, height }, path: input, frames: frameCount }];
}

const secondsOf = (ms: number) => (Number.isFinite(ms) ? ms / 1000 : null);

function label({ what, candidate, provider, size }: Job): string {
  return `${candidate.model.name} on ${provider} at ${size.name}${what === 'line' ? ', end to end' : ''}`;
}

/** The jobs of a run, as far as there is time for them. */
class Run {
  readonly #context: FilesContext;
  readonly #clips: readonly Clip[];
  readonly findings: Findings;
  #left: readonly Job[];
  #done = 0;
  /** How many times as long as expected the last job took: others at work make all that follow late too. */
  #pace = 1;

  constructor(context: FilesContext, jobs: readonly Job[], clips: readonly Clip[]) {
    this.#context = context;
    this.#left = jobs;
    this.#clips = clips;
    this.findings = new Findings(context.machine.cores);
  }

  #clip({ size }: Job): Clip {
    const clip = this.#clips.find((found) => found.size === size);
    if (!clip) throw new RangeError(`there is no clip of ${size.name}`);
    return clip;
  }

  /** Measures until nothing is left that fits into the time that is left. */
  async all(): Promise<void> {
    const { budget, effort, emit } = this.#context;
    for (;;) {
      const known = (job: Job) => this.findings.expectedMs(job, effort, this.#clip(job).frames);
      const expectedMs = (job: Job) => this.#pace * (known(job) ?? UNKNOWN_MS);
      const left = outlook(this.#left, budget.leftMs, expectedMs, (cell) => this.findings.hasStages(cell));
      const [job] = left.jobs;
      if (!job) return;
      this.#left = this.#left.filter((other) => other !== job);
      const told = left.jobs.every((next) => known(next) !== undefined);
      const ms = told ? Math.min(left.ms, budget.leftMs) : budget.leftMs;
      emit({
        type: 'cell',
        label: label(job),
        ...{ number: this.#done + 1, total: this.#done + left.jobs.length },
        leftSeconds: secondsOf(ms),
      });
      const [expected, before] = [known(job), budget.elapsedMs];
      await this.#measure(job);
      if (expected !== undefined) this.#pace = Math.max(1, (budget.elapsedMs - before) / expected);
      this.#done += 1;
    }
  }

  #request(job: Job): CellRequest {
    const { options, effort, machine, scratch, budget } = this.#context;
    const { path, frames } = this.#clip(job);
    const { seconds, repeats, decodedFrames } = effort;
    const needed = 1 + this.#left.filter((other) => other.needed).length;
    const share = budget.leftMs / needed / RUNS_OF_CELL;
    const longRunMs = effort.longRunMs === null ? null : Math.min(effort.longRunMs, share);
    const wanted =
      job.what === 'line'
        ? lineFrames(this.findings.expectedFps(job), effort.lineSeconds, frames)
        : Math.min(frames, decodedFrames);
    return {
      ...{ what: job.what, model: job.candidate.model, provider: job.provider, size: job.size, clip: path, scratch },
      ...{ batch: options.batch, threads: machine.threads, seconds, longRunMs, repeats, frames: wanted },
      ...{ pictures: PICTURES, wraps: false },
    };
  }

  async #measure(job: Job): Promise<void> {
    const { budget, signal, emit } = this.#context;
    // Without a result the limit does not hold: a late one beats none.
    const allowedMs = this.findings.empty ? budget.timeoutMs : budget.allowedMs();
    const reply = await runCell(this.#request(job), allowedMs, signal);
    this.#take(job, reply);
    const rows = this.findings.rows(job);
    if (!rows || reply.kind === 'failed') return;
    if (job.what === 'stages') emit({ type: 'infer', row: rows.infer });
    else emit({ type: 'pipeline', row: rows.pipeline });
  }

  #take(job: Job, reply: CellReply): void {
    const { emit } = this.#context;
    if (reply.kind === 'line') this.findings.addLine(job, reply.result);
    else if (reply.kind === 'stages') {
      this.findings.addStages(job, reply.result);
      if (reply.result.infer.check?.ok !== false) return;
      emit({ type: 'warning', message: `${label(job)}: the result is wrong, its speed does not count` });
    } else {
      emit({ type: 'warning', message: `${label(job)}: ${reply.message}` });
      if (job.what === 'line') this.findings.addLine(job, reply.message);
    }
  }
}

/**
 * Measures models on devices at sizes, the most telling cells first, and predicts what there is no time for.
 *
 * @throws TinySRError
 */
export async function measureFiles(
  context: FilesContext,
): Promise<Pick<BenchResult, 'devices' | 'models' | 'infer' | 'pipeline' | 'stream'>> {
  const { options, scratch, signal, emit, budget } = context;
  emit({ type: 'prepare', leftSeconds: secondsOf(budget.leftMs) });
  const candidates = await selectModels(options, signal);
  const [first] = candidates;
  if (!first) throw new RangeError('there is no model to measure');
  const { providers, reports } = await selectDevices(first.model, options.devices, signal);
  const made = await clips(options, scratch, signal);
  const sizes = made.map(({ size }) => size);
  const run = new Run(context, schedule(candidates, providers, sizes), made);
  await run.all();
  const rows: CellRows[] = [];
  for (const cell of cellsOf(candidates, providers, sizes)) {
    const found = run.findings.rows(cell);
    if (found) rows.push(found);
  }
  if (!rows.length) {
    throw new TinySRError('TSR_INFER_FAILED', 'nothing could be measured', { hint: 'The warnings above say why.' });
  }
  return {
    ...{ devices: reports, models: candidates.map(({ about }) => about) },
    ...{ infer: rows.map(({ infer }) => infer), pipeline: rows.map(({ pipeline }) => pipeline), stream: [] },
  };
}
