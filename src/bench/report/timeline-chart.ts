import type { PipelineRow, TimelineEntry } from '../types.js';
import { CHART_WIDTHS } from './fitted.js';
import { escapeText, LETTER, label, line, linearScale, linearTicks, n, shortened, svg } from './svg.js';

const LANE = 34;
const GAP = 10;
const BOX = { left: 74, right: 26, top: 8, bottom: 30 };
const STAGES = ['decode', 'infer', 'encode'] as const;

/** A row for each of a stage's spans, so that those that run side by side cover none of each other. */
function beside(entries: readonly TimelineEntry[]): number[] {
  const ends: number[] = [];
  return entries.map(({ fromMs, toMs }) => {
    // Times are those at which results were taken, which is a little later than they were there.
    const free = ends.findIndex((end) => end <= fromMs + 1);
    const row = free < 0 ? ends.length : free;
    ends[row] = toMs;
    return row;
  });
}

/** What each stage did over a stretch of the run, a lane for each; the number is the frame's. */
export function timelineChart(name: string, all: readonly TimelineEntry[], width: number): string {
  // Frames are read ahead: what came long before the first run would only squeeze the rest.
  const from = Math.min(...all.filter(({ stage }) => stage === 'infer').map(({ fromMs }) => fromMs));
  const entries = all.filter(({ toMs }) => toMs >= from);
  const to = Math.max(...entries.map(({ toMs }) => toMs));
  const bottom = BOX.top + STAGES.length * (LANE + GAP);
  const x = linearScale(0, to - from, BOX.left, width - BOX.right);
  const parts: string[] = [];
  for (const tick of linearTicks(0, to - from, width / 100)) {
    parts.push(line(x(tick), BOX.top, x(tick), bottom, 'class="grid"'));
    parts.push(label(x(tick), bottom + 18, `${tick} ms`, 'class="tick" text-anchor="middle"'));
  }
  for (const [lane, stage] of STAGES.entries()) {
    const top = BOX.top + lane * (LANE + GAP);
    parts.push(label(BOX.left - 10, top + LANE / 2 + 4, stage, 'class="name" text-anchor="end"'));
    const own = entries.filter((entry) => entry.stage === stage);
    const rows = beside(own);
    const height = LANE / Math.max(1, ...rows.map((row) => row + 1));
    for (const [index, { batch, fromMs, toMs }] of own.entries()) {
      const y = top + height * (rows[index] ?? 0);
      const left = Math.max(BOX.left, x(fromMs - from));
      const span = Math.max(2, x(toMs - from) - left);
      const title = `${stage} of batch ${batch}: ${(toMs - fromMs).toFixed(1)} ms`;
      const box = `x="${n(left)}" y="${n(y)}" width="${n(Math.max(1, span - 1.5))}" height="${n(height - 1)}" rx="3"`;
      parts.push(`<rect ${box} fill="var(--${stage})"><title>${escapeText(title)}</title></rect>`);
      const middle = `class="inside" text-anchor="middle"`;
      if (span > 22 && height > 12) parts.push(label(left + span / 2, y + height / 2 + 4, String(batch), middle));
    }
  }
  return svg(width, bottom + BOX.bottom, name, parts);
}

const ROW = 30;
/** Height of a name above its bar, where there is no room beside it. */
const NAME_ROW = 16;
/** Letters of a model's name before its bar. */
const MOST_LETTERS = 23;

/** CPU time a frame of each stage, a bar for each size. */
export function costChart(name: string, rows: readonly PipelineRow[], width: number): string {
  const costs = rows.map(({ stages }) => STAGES.map((stage) => (stages[stage].cpuSecondsPerFrame ?? 0) * 1000));
  const most = Math.max(1, ...costs.map((cost) => cost.reduce((sum, ms) => sum + ms, 0)));
  const names = rows.map(({ model, size }) => `${shortened(model, MOST_LETTERS)} ${size.name}`);
  const above = width <= CHART_WIDTHS.narrow;
  const beside = Math.max(150, 14 + LETTER * Math.max(0, ...names.map(({ length }) => length)));
  const [left, right] = [above ? 16 : beside, 56];
  const row = ROW + (above ? NAME_ROW : 0);
  const x = linearScale(0, most, left, width - right);
  const bottom = BOX.top + rows.length * row;
  const parts: string[] = [];
  for (const tick of linearTicks(0, most, 5)) {
    parts.push(line(x(tick), BOX.top, x(tick), bottom, 'class="grid"'));
    parts.push(label(x(tick), bottom + 18, `${tick} ms`, 'class="tick" text-anchor="middle"'));
  }
  for (const [index, text] of names.entries()) {
    const begin = BOX.top + index * row + 4;
    const top = above ? begin + NAME_ROW : begin;
    if (above) parts.push(label(left, begin + 12, text, 'class="tick"'));
    else parts.push(label(left - 8, top + 15, text, 'class="tick" text-anchor="end"'));
    let start = 0;
    for (const [order, stage] of STAGES.entries()) {
      const ms = costs[index]?.[order] ?? 0;
      const span = Math.max(0, x(start + ms) - x(start) - 1.5);
      const box = `x="${n(x(start))}" y="${top}" width="${n(span)}" height="${ROW - 8}" rx="2"`;
      parts.push(`<rect ${box} fill="var(--${stage})"><title>${stage}: ${ms.toFixed(1)} ms</title></rect>`);
      start += ms;
    }
    parts.push(label(x(start) + 6, top + 15, start.toFixed(0), 'class="tick"'));
  }
  return svg(width, bottom + BOX.bottom, name, parts);
}
