import { histogram } from '../statistics.js';
import { short } from '../text.js';
import type { InferRow } from '../types.js';
import { label, line, linearScale, linearTicks, n, svg } from './svg.js';

const WIDTH = 360;
const HEIGHT = 200;
const BOX = { left: 20, right: 20, top: 40, bottom: 30 };
/** Width of a tick's words, which must not leave the picture. */
const TICK_WIDTH = 44;
const BINS = 24;

/** How many runs took how long. */
export function latencyChart(row: InferRow, color: string): string {
  const { samples, p50, p95, p99 } = row.latencyMs;
  const bins = histogram(samples, Math.min(BINS, Math.max(4, Math.ceil(samples.length / 3))));
  const low = Math.min(...samples);
  const high = Math.max(...samples, low * 1.02);
  const bottom = HEIGHT - BOX.bottom;
  const x = linearScale(low, high, BOX.left, WIDTH - BOX.right);
  const y = linearScale(0, Math.max(...bins.map(({ count }) => count)), bottom, BOX.top);
  const parts: string[] = [line(BOX.left, bottom, WIDTH - BOX.right, bottom, 'class="axis"')];
  for (const tick of linearTicks(low, high, 5)) {
    const place = Math.min(WIDTH - TICK_WIDTH / 2, Math.max(TICK_WIDTH / 2, x(tick)));
    parts.push(label(place, bottom + 18, `${tick} ms`, 'class="tick" text-anchor="middle"'));
  }
  for (const { from, to, count } of bins.filter((bin) => bin.count > 0)) {
    const width = bins.length === 1 ? 12 : Math.max(1, x(to) - x(from) - 2);
    const box = `x="${n(x(from) + 1)}" y="${n(y(count))}" width="${n(width)}" height="${n(bottom - y(count))}" rx="2"`;
    const title = `${short(from)} to ${short(to)} ms: ${count} runs`;
    parts.push(`<rect ${box} fill="${color}"><title>${title}</title></rect>`);
  }
  const marks: readonly (readonly [string, number, number])[] = [
    ['p50', p50, 10],
    ['p95', p95, 22],
    ['p99', p99, 34],
  ];
  for (const [name, value, top] of marks) {
    if (value < low || value > high) continue;
    const anchor = value > (low + high) / 2 ? 'end' : 'start';
    parts.push(line(x(value), top + 3, x(value), bottom, 'class="rate"'));
    parts.push(
      label(
        x(value) + (anchor === 'end' ? -3 : 3),
        top,
        `${name} ${short(value)}`,
        `class="note" text-anchor="${anchor}"`,
      ),
    );
  }
  return svg(WIDTH, HEIGHT, `Latency of ${row.model} on ${row.provider} at ${row.size.name}`, parts);
}
