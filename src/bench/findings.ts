import { type FrameCost, frameCost, lineMs, ofModel, stagesMs } from './cost.js';
import type { Effort } from './effort.js';
import { deviceCeiling, pipelineRow, reached, scaledInfer, scaledPipeline, stagesOf } from './predict.js';
import { type Cell, type Job, sameCell } from './schedule.js';
import { pixels } from './sizes.js';
import type { BenchSize, InferRow, LineResult, PipelineRow, StagesResult } from './types.js';

/** A cell's two rows. */
export interface CellRows {
  readonly infer: InferRow;
  readonly pipeline: PipelineRow;
}

interface Entry {
  readonly cell: Cell;
  readonly stages: StagesResult;
  /** What the line gave, or why it failed; undefined while it was not measured. */
  line: LineResult | string | undefined;
}

/** How far two sizes are from each other. */
const distance = (a: BenchSize, b: BenchSize) => Math.abs(Math.log(pixels(a) / pixels(b)));

/** What a run has measured, and what that says of the rest. */
export class Findings {
  readonly #entries: Entry[] = [];
  readonly #cores: number;

  constructor(cores: number) {
    this.#cores = cores;
  }

  /** Whether nothing was measured so far. */
  get empty(): boolean {
    return this.#entries.length === 0;
  }

  addStages(cell: Cell, stages: StagesResult): void {
    this.#entries.push({ cell, stages, line: undefined });
  }

  addLine(cell: Cell, line: LineResult | string): void {
    const entry = this.#entry(cell);
    if (entry) entry.line = line;
  }

  #entry(cell: Cell): Entry | undefined {
    return this.#entries.find((entry) => sameCell(entry.cell, cell));
  }

  /** The nearest measured size of the same model on the same device. */
  #nearest({ candidate, provider, size }: Cell): Entry | undefined {
    return this.#entries
      .filter(({ cell }) => cell.candidate === candidate && cell.provider === provider)
      .reduce<Entry | undefined>(
        (a, b) => (a && distance(a.cell.size, size) <= distance(b.cell.size, size) ? a : b),
        undefined,
      );
  }

  /** What part of its ceiling a line reaches: as at the nearest size, or else as other models' on that device. */
  #part({ candidate, provider, size }: Cell): number {
    const measured = this.#entries.filter((entry) => entry.cell.provider === provider);
    const parts = measured.flatMap(({ cell, stages, line }) =>
      typeof line === 'object'
        ? [
            {
              far: (cell.candidate === candidate ? 0 : 10) + distance(cell.size, size),
              part: reached(stages, line, this.#cores),
            },
          ]
        : [],
    );
    return parts.sort((a, b) => a.far - b.far)[0]?.part ?? 1;
  }

  /** Whether the line of a cell can be measured: its stages were, by more than one frame. */
  hasStages(cell: Cell): boolean {
    return this.#entry(cell)?.stages.infer.basis === 'measured';
  }

  /** Frames a second that a cell's line is expected to reach, for as many frames as that needs. */
  expectedFps(cell: Cell): number {
    const { stages } = this.#nearest(cell) ?? {};
    return stages ? this.#part(cell) * deviceCeiling(stagesOf(stages), cell.provider, this.#cores) : 1;
  }

  #cost(cell: Cell): FrameCost | undefined {
    const own = this.#nearest(cell);
    if (own) return frameCost(own.stages, this.expectedFps(cell), cell.size);
    const other = this.#entries.find((entry) => entry.cell.provider === cell.provider);
    const [macs, known] = [cell.candidate.about.macsPerLrPixel, other?.cell.candidate.about.macsPerLrPixel];
    if (!other || !macs || !known) return undefined;
    return ofModel(frameCost(other.stages, this.expectedFps(other.cell), cell.size), macs / known);
  }

  /** Milliseconds that a job is expected to take; undefined when nothing says so. */
  expectedMs(job: Job, effort: Effort, frames: number): number | undefined {
    const cost = this.#cost(job);
    if (!cost) return undefined;
    return job.what === 'line' ? lineMs(cost, effort, frames) : stagesMs(cost, effort);
  }

  /** A cell's rows, measured or predicted; undefined when nothing tells of its model on its device. */
  rows(cell: Cell): CellRows | undefined {
    const entry = this.#nearest(cell);
    if (!entry) return undefined;
    const { stages, line } = entry;
    const pipeline = pipelineRow(stages, line, this.#cores, this.#part(entry.cell));
    if (sameCell(entry.cell, cell)) return { infer: stages.infer, pipeline };
    const infer = scaledInfer(stages.infer, cell.size);
    return { infer, pipeline: scaledPipeline(pipeline, infer) };
  }
}
