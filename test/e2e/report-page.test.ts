/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareResults, renderReport } from '#src/bench/index.js';
import { benchResult, inferRow, pipelineRow, streamRow } from '../bench/results.js';
import { PATIENCE } from './browser.js';
import { testBrowser } from './stage.js';

const NAMES = ['tinysr-nano', 'tinysr-small-fidelity', 'realesr-general-x4v3-of-a-long-name'];
const SIZES = [
  ['270p', 480, 270],
  ['1080p', 1920, 1080],
] as const;

/** Rows of every name and size, of very different speeds. */
const rows = NAMES.flatMap((model, slower) =>
  SIZES.map(([name, width, height], larger) => {
    const median = 40 / (1 + 3 * slower) / (1 + 8 * larger);
    const fps = { median, min: median * 0.9, max: median * 1.1, repeats: 5 };
    return { model, size: { name, width, height }, outputWidth: width * 4, outputHeight: height * 4, fps };
  }),
);
const models = NAMES.map((name, index) => ({
  ...{ name, shipped: true, params: 1, macsPerLrPixel: 1 },
  quality: { degraded: { psnrY: 26, lpips: 0.3 - index / 20 } },
}));
const level = { model: 'tinysr-small-fidelity', sizeShare: 1, work: '480x270', output: '1920x1080' };
const steps = [0.2, 1, 1.5, 2, 18, 19.9].map((at, index) => ({ at, maxFps: index % 2 ? 24 : null, ...level }));
const result = benchResult({
  models,
  infer: rows.map((row) => inferRow(row)),
  pipeline: rows.map((row) => pipelineRow(row)),
  stream: [streamRow(), streamRow({ levels: steps })],
});
const page = renderReport(result, { before: result, changes: compareResults(result, result) });

describe('the report of the benchmark', { timeout: 2 * PATIENCE }, () => {
  const stage = testBrowser('160x90');
  let open: Awaited<ReturnType<typeof stage.browser.open>>;
  beforeAll(async () => {
    open = await stage.browser.context.newPage();
    await open.setContent(page);
  }, PATIENCE);
  afterAll(() => open?.close());

  it.each([390, 800, 1085, 1100, 1600])('fits a window of %i pixels', async (width) => {
    await open.setViewportSize({ width, height: 900 });
    const seen = await open.evaluate(() => {
      const charts = [...document.querySelectorAll('svg')].filter((chart) => chart.clientWidth > 0);
      const faults: string[] = [];
      let smallest = Number.POSITIVE_INFINITY;
      for (const chart of charts) {
        const name = chart.getAttribute('aria-label');
        const frame = chart.getBoundingClientRect();
        const section = chart.closest('section')?.getBoundingClientRect();
        if (section && (frame.left < section.left || frame.right > section.right)) faults.push(`${name} must be moved`);
        for (const text of chart.querySelectorAll('text')) {
          const box = text.getBoundingClientRect();
          const size = Number.parseFloat(getComputedStyle(text).fontSize) * (frame.width / chart.viewBox.baseVal.width);
          smallest = Math.min(smallest, size);
          const inside = box.left >= frame.left - 1 && box.right <= frame.right + 1 && box.bottom <= frame.bottom + 1;
          if (!inside || box.top < frame.top - 2) faults.push(`${name}: ${text.textContent} is cut off`);
        }
      }
      for (const table of document.querySelectorAll('table')) {
        const section = table.closest('section');
        const name = section?.querySelector('h2')?.textContent;
        if (section && section.scrollWidth > section.clientWidth) faults.push(`${name} must be moved`);
        for (const cell of table.querySelectorAll('td')) {
          const headless = !cell.closest('table')?.tHead?.offsetHeight && cell.cellIndex > 0;
          const head = getComputedStyle(cell, '::before').content;
          if (headless && head !== JSON.stringify(cell.dataset.head)) faults.push(`${name}: a cell without its head`);
          if (cell.scrollWidth > cell.clientWidth) faults.push(`${name}: ${cell.textContent} is cut off`);
        }
      }
      const { scrollWidth, clientWidth } = document.documentElement;
      if (scrollWidth > clientWidth) faults.push('the page is wider than its window');
      const names = charts.map((chart) => chart.getAttribute('aria-label'));
      return { faults, smallest, names };
    });
    expect(seen.faults).toEqual([]);
    expect(seen.smallest).toBeGreaterThan(8.5);
    // Each is there once, however many drawings of it there are.
    expect(seen.names).toHaveLength(2 + 2 + 1 + 2 + 3);
  });
});
