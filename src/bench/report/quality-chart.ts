import { short } from '../text.js';
import type { BenchModel, InferRow } from '../types.js';
import {
  escapeText,
  LETTER,
  label,
  line,
  linearScale,
  linearTicks,
  logScale,
  logTicks,
  n,
  shortened,
  svg,
} from './svg.js';

const HEIGHT = 340;
const BOX = { left: 54, right: 24, top: 20, bottom: 46 };

/** A model's speed and how far its pictures are from the truth. */
export interface QualityPoint {
  readonly model: string;
  readonly shipped: boolean;
  readonly fps: number;
  /** LPIPS: lower is better. */
  readonly lpips: number;
}

/** The track that most models have an LPIPS for. */
export function qualityTrack(models: readonly BenchModel[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { quality } of models) {
    for (const [track, scores] of Object.entries(quality ?? {})) {
      if (scores.lpips !== undefined) counts.set(track, (counts.get(track) ?? 0) + 1);
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))[0]?.[0];
}

/** By how much a row's pictures are enlarged. */
const scaleOf = ({ outputWidth, size }: InferRow) => outputWidth / size.width;

/** The rows of the scale that most models have: scores of others are of other pictures. */
export function rowsOfOneScale(rows: readonly InferRow[]): InferRow[] {
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(scaleOf(row), (counts.get(scaleOf(row)) ?? 0) + 1);
  const [scale] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0] ?? [];
  return rows.filter((row) => scaleOf(row) === scale);
}

/** Models with a known quality and a speed at one size, on the fastest device. */
export function qualityPoints(models: readonly BenchModel[], rows: readonly InferRow[], track: string): QualityPoint[] {
  return models.flatMap(({ name, shipped, quality }) => {
    const lpips = quality?.[track]?.lpips;
    const speeds = rows.filter(({ model }) => model === name).map(({ fps }) => fps.median);
    return lpips === undefined || !speeds.length ? [] : [{ model: name, shipped, fps: Math.max(...speeds), lpips }];
  });
}

/** Points that no other beats in both. */
export function front(points: readonly QualityPoint[]): QualityPoint[] {
  const beaten = (point: QualityPoint) =>
    points.some(
      (other) =>
        other !== point &&
        other.fps >= point.fps &&
        other.lpips <= point.lpips &&
        (other.fps > point.fps || other.lpips < point.lpips),
    );
  return points.filter((point) => !beaten(point)).sort((a, b) => a.fps - b.fps);
}

/** Letters of a name beside its mark; the mark's title has all of it. */
const MOST_LETTERS = 22;
/** Width and height that a name takes. */
const NAME = { width: 150, height: 13 };

/** Heights at which names beside their marks do not cover each other: the lower of two moves down. */
function apart(marks: readonly { readonly x: number; readonly y: number }[]): number[] {
  const places = marks.map(({ y }) => y);
  const placed: number[] = [];
  for (const index of [...marks.keys()].sort((a, b) => (marks[a]?.y ?? 0) - (marks[b]?.y ?? 0))) {
    for (const other of placed) {
      const near = Math.abs((marks[index]?.x ?? 0) - (marks[other]?.x ?? 0)) < NAME.width;
      const least = (places[other] ?? 0) + NAME.height;
      if (near && (places[index] ?? 0) < least) places[index] = least;
    }
    placed.push(index);
  }
  return places;
}

/** Quality against speed: up and to the right is better. The line joins those that nothing beats. */
export function qualityChart(
  name: string,
  points: readonly QualityPoint[],
  track: string,
  colorOf: (model: string) => string,
  width: number,
): string {
  const speeds = points.map(({ fps }) => fps);
  const scores = points.map(({ lpips }) => lpips);
  const [slow, fast] = [Math.min(...speeds) * 0.7, Math.max(...speeds) * 1.6];
  const margin = Math.max(0.02, (Math.max(...scores) - Math.min(...scores)) * 0.12);
  const [best, worst] = [Math.min(...scores) - margin, Math.max(...scores) + margin];
  const bottom = HEIGHT - BOX.bottom;
  const x = logScale(slow, fast, BOX.left, width - BOX.right);
  const y = linearScale(best, worst, BOX.top, bottom);
  const parts: string[] = [];
  for (const tick of linearTicks(best, worst, 6)) {
    parts.push(line(BOX.left, y(tick), width - BOX.right, y(tick), 'class="grid"'));
    parts.push(label(BOX.left - 8, y(tick) + 4, tick.toFixed(2), 'class="tick" text-anchor="end"'));
  }
  for (const tick of logTicks(slow, fast)) {
    parts.push(label(x(tick), bottom + 18, String(tick), 'class="tick" text-anchor="middle"'));
  }
  const middle = 'class="tick" text-anchor="middle"';
  parts.push(label((BOX.left + width - BOX.right) / 2, HEIGHT - 6, 'frames a second, inference alone →', middle));
  parts.push(label(BOX.left, 12, `↑ LPIPS, ${track} (lower is better)`, 'class="tick"'));
  const corners = front(points).map(({ fps, lpips }) => `${n(x(fps))},${n(y(lpips))}`);
  parts.push(`<polyline points="${corners.join(' ')}" class="front"/>`);
  const places = apart(points.map(({ fps, lpips }) => ({ x: x(fps), y: y(lpips) })));
  for (const [index, { model, shipped, fps, lpips }] of points.entries()) {
    const color = colorOf(model);
    const title = `${model}: ${short(fps)} fps, LPIPS ${lpips.toFixed(3)}`;
    const mark = `cx="${n(x(fps))}" cy="${n(y(lpips))}" r="${shipped ? 6 : 4.5}" fill="${color}"`;
    parts.push(`<circle ${mark}><title>${escapeText(title)}</title></circle>`);
    const text = shortened(model, MOST_LETTERS);
    const left = x(fps) + 10 + LETTER * text.length > width;
    const side = `class="name${shipped ? ' own' : ''}" text-anchor="${left ? 'end' : 'start'}"`;
    parts.push(label(x(fps) + (left ? -10 : 10), (places[index] ?? 0) + 4, text, side));
  }
  return svg(width, HEIGHT, name, parts);
}
