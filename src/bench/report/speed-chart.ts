import { pixels } from '../sizes.js';
import type { Measured } from '../statistics.js';
import { short } from '../text.js';
import type { Basis, BenchSize } from '../types.js';
import { CHART_WIDTHS } from './fitted.js';
import { escapeText, label, line, logScale, logTicks, n, seriesColor, shortened, svg } from './svg.js';

/** A speed at a size. */
export interface SpeedPoint {
  readonly series: string;
  readonly size: BenchSize;
  readonly fps: Measured;
  readonly basis: Basis;
}

const HEIGHT = 330;
const BOX = { left: 46, top: 18, bottom: 34 };
/** What the names at the ends of lines take; in a narrow chart the page's legend has them. */
const NAMES = 184;
/** Letters of a name that there is room for beside a line's end; the mark's title has all of it. */
const MOST_LETTERS = 21;
/** Rates of video that are marked. */
const RATES = [24, 30, 60];

/** Places labels so that none covers another; keeps their order. */
function spreadLabels(places: readonly number[], gap: number): number[] {
  const order = places.map((y, index) => ({ y, index })).sort((a, b) => a.y - b.y);
  let last = Number.NEGATIVE_INFINITY;
  const result = [...places];
  for (const { y, index } of order) {
    last = Math.max(y, last + gap);
    result[index] = last;
  }
  return result;
}

/** A series' name at its line's end: its device says nothing where all are on one. */
function endText(series: string, all: readonly string[]): string {
  const [model = series, provider] = series.split(', ');
  const alone = all.every((other) => other.endsWith(`, ${provider}`));
  const name = alone ? model : `${model} · ${provider}`;
  return shortened(name, MOST_LETTERS);
}

/** The range of speeds that several charts share. */
export function speedRange(points: readonly SpeedPoint[]): [number, number] {
  const speeds = points.flatMap(({ fps }) => [fps.min, fps.max]).filter((fps) => fps > 0);
  return [Math.min(20, ...speeds) * 0.8, Math.max(70, ...speeds) * 1.15];
}

/**
 * Frames a second by input size, a line for each series. Filled marks were measured, hollow ones predicted; bars show
 * how far repeats lie apart.
 *
 * @param order all series, so that each keeps its colour from chart to chart
 * @param width of the drawing
 */
export function speedChart(
  name: string,
  points: readonly SpeedPoint[],
  order: readonly string[],
  range: readonly [number, number],
  width: number,
): string {
  const named = width > CHART_WIDTHS.narrow;
  const byPixels = (a: BenchSize, b: BenchSize) => pixels(a) - pixels(b);
  const sizes = [...new Map(points.map(({ size }) => [size.name, size])).values()].sort(byPixels);
  const right = width - (named ? NAMES : 12);
  const bottom = HEIGHT - BOX.bottom;
  const x = (size: string) => {
    const index = sizes.findIndex((known) => known.name === size);
    return BOX.left + ((index + 0.5) * (right - BOX.left)) / sizes.length;
  };
  const y = logScale(range[0], range[1], bottom, BOX.top);
  const parts: string[] = [];
  for (const tick of logTicks(...(range as [number, number]))) {
    parts.push(line(BOX.left, y(tick), right, y(tick), 'class="grid"'));
    parts.push(label(BOX.left - 8, y(tick) + 4, short(tick).replace(/\.0+$/, ''), 'class="tick" text-anchor="end"'));
  }
  for (const rate of RATES.filter((fps) => fps > range[0] && fps < range[1])) {
    parts.push(line(BOX.left, y(rate), right, y(rate), 'class="rate"'));
    // 24 and 30 are close: one is named below its line, the other above.
    // At the right, where lines have gone down.
    const place = 'class="note" text-anchor="end"';
    parts.push(label(right - 4, y(rate) + (rate === 24 ? 11 : -3), `${rate} fps`, place));
  }
  for (const { name: size } of sizes)
    parts.push(label(x(size), bottom + 20, size, 'class="tick" text-anchor="middle"'));
  const names = order.filter((series) => points.some((point) => point.series === series));
  const own = (series: string) =>
    points.filter((point) => point.series === series).sort((a, b) => byPixels(a.size, b.size));
  const ends = names.map((series) => own(series).at(-1));
  const places = spreadLabels(
    ends.map((end) => (end ? y(end.fps.median) : 0)),
    14,
  );
  for (const [index, series] of names.entries()) {
    const color = seriesColor(order.indexOf(series));
    const found = own(series);
    const path = found.map(({ size, fps }) => `${n(x(size.name))},${n(y(fps.median))}`).join(' ');
    parts.push(`<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>`);
    for (const { size, fps, basis } of found) {
      const [cx, cy] = [x(size.name), y(fps.median)];
      if (fps.repeats > 1) parts.push(line(cx, y(fps.min), cx, y(fps.max), `stroke="${color}" stroke-width="1.5"`));
      const fill = basis === 'measured' ? color : 'var(--surface)';
      const title = `${series}, ${size.name}: ${short(fps.median)} fps${basis === 'measured' ? '' : ' (predicted)'}`;
      const mark = `cx="${n(cx)}" cy="${n(cy)}" r="4.5" fill="${fill}" stroke="${color}" stroke-width="2"`;
      parts.push(`<circle ${mark}><title>${escapeText(title)}</title></circle>`);
    }
    const last = found.at(-1);
    if (last && named) {
      const value = short(last.fps.median);
      const at = places[index] ?? 0;
      // Names stand beside the plot: within it they would cover the rates' names.
      const leader = `stroke="${color}" stroke-width="1" stroke-dasharray="2 3"`;
      parts.push(line(x(last.size.name) + 7, y(last.fps.median), right + 4, at, leader));
      parts.push(label(right + 8, at + 4, `${endText(series, order)} ${value}`, 'class="name"'));
    }
  }
  return svg(width, HEIGHT, name, parts);
}
