import { levelText } from '../stream/table.js';
import type { StreamRow } from '../stream/types.js';
import { escapeText, LETTER, label, line, linearScale, linearTicks, n, svg } from './svg.js';

const HEIGHT = 230;
const BOX = { left: 62, right: 16, top: 30, bottom: 30 };

/** What a level changed against the one before, in few words. */
function changeText(row: StreamRow, index: number): string {
  const [level, before] = [row.levels[index], row.levels[index - 1]];
  if (!level) return '';
  if (!before || before.model !== level.model) return level.model;
  if (before.work !== level.work) return level.work;
  return level.maxFps === null ? 'every frame' : `${level.maxFps} fps`;
}

/** The age of each upscaled picture over the run, with what the governor did. */
export function streamChart(name: string, row: StreamRow, color: string, width: number): string {
  const { pictures, levels, targetMs, windowSeconds } = row;
  const end = Math.max(row.seconds, ...pictures.map(({ at }) => at));
  // A session that opens makes the first pictures old; they are drawn at the edge rather than squeezing the rest.
  const most = Math.max(targetMs * 1.2, row.ageMs.p99 * 1.2);
  const bottom = HEIGHT - BOX.bottom;
  const x = linearScale(0, end, BOX.left, width - BOX.right);
  const y = linearScale(0, most, bottom, BOX.top);
  const left = x(end - windowSeconds);
  const parts: string[] = [
    `<rect x="${n(left)}" y="${BOX.top}" width="${n(x(end) - left)}" height="${bottom - BOX.top}" fill="var(--grid)" opacity="0.5"/>`,
    label(x(end) - 6, BOX.top + 12, 'measured', 'class="note" text-anchor="end"'),
  ];
  for (const tick of linearTicks(0, most, 4)) {
    parts.push(line(BOX.left, y(tick), width - BOX.right, y(tick), 'class="grid"'));
    parts.push(label(BOX.left - 8, y(tick) + 4, `${tick} ms`, 'class="tick" text-anchor="end"'));
  }
  for (const tick of linearTicks(0, end, width / 80)) {
    parts.push(label(x(tick), bottom + 18, `${tick} s`, 'class="tick" text-anchor="middle"'));
  }
  parts.push(line(BOX.left, y(targetMs), width - BOX.right, y(targetMs), 'class="rate"'));
  for (const { at, ageMs } of pictures) {
    const title = `${ageMs.toFixed(0)} ms old after ${at.toFixed(1)} s`;
    const mark = `cx="${n(x(at))}" cy="${n(y(Math.min(most, ageMs)))}" r="2" fill="${color}"`;
    parts.push(`<circle ${mark}><title>${title}</title></circle>`);
  }
  // Steps that follow each other closely take turns in two rows; what finds no place there has a title all the same.
  const taken = [0, 0];
  for (const [index, level] of levels.entries()) {
    const title = escapeText(levelText(level));
    parts.push(`<g>${line(x(level.at), BOX.top - 6, x(level.at), bottom, 'class="axis"')}<title>${title}</title></g>`);
    const text = changeText(row, index);
    const length = LETTER * text.length;
    const from = x(level.at) + 4 + length > width ? x(level.at) - 4 - length : x(level.at) + 4;
    const free = taken.findLastIndex((until) => until <= from);
    if (free < 0) continue;
    taken[free] = from + length;
    const place = `class="note"${from < x(level.at) ? ' text-anchor="end"' : ''}`;
    parts.push(label(from < x(level.at) ? from + length : from, free === 0 ? 10 : 22, text, place));
  }
  return svg(width, HEIGHT, name, parts);
}
