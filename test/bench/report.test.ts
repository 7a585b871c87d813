import { describe, expect, it } from 'vitest';
import { renderReport, renderTable } from '#src/bench/index.js';
import { front, rowsOfOneScale } from '#src/bench/report/quality-chart.js';
import { unusableText } from '#src/bench/text.js';
import { benchResult, inferRow, pipelineRow, streamRow } from './results.js';

const count = (text: string, part: string) => text.split(part).length - 1;

describe('report', () => {
  const quality = (lpips: number) => ({ degraded: { psnrY: 26, lpips } });
  const models = [
    { name: 'tinysr-nano', shipped: true, params: 1, macsPerLrPixel: 1, quality: quality(0.3) },
    { name: 'peer', shipped: false, params: null, macsPerLrPixel: null, quality: quality(0.2) },
  ];
  const infer = [
    inferRow(),
    inferRow({ model: 'peer', fps: { median: 2, min: 2, max: 2, repeats: 1 }, basis: 'one-frame' }),
  ];
  const pipeline = [
    pipelineRow(),
    pipelineRow({ model: 'peer', basis: 'one-frame', timeline: [], overlapEfficiency: null }),
  ];
  const result = benchResult({ models, infer, pipeline });

  it('is one page that needs nothing from elsewhere', () => {
    const page = renderReport(result);
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<script|<link|<img|src=|href=|url\(|@import|https?:/);
    expect(page).toContain('prefers-color-scheme: dark');
  });

  it('draws speed, line, stages, cost, quality and latency', () => {
    const page = renderReport(result);
    for (const title of [
      'Inference alone',
      'File to file',
      'The line at work',
      'CPU time a frame',
      'Quality against speed',
    ]) {
      expect(page).toContain(title);
    }
    expect(count(page, '<svg')).toBe(count(page, '</svg>'));
    expect(count(page, '<svg')).toBeGreaterThanOrEqual(6);
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('shows names as text, whatever they hold', () => {
    const name = '<script>alert("1")</script>';
    const page = renderReport(
      benchResult({ infer: [inferRow({ model: name })], pipeline: [pipelineRow({ model: name })] }),
    );
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;');
  });

  it('gives a wrong result no place in a chart', () => {
    const check = { ok: false, maxDifference: 200, fidelityDb: 8 };
    const wrong = inferRow({ provider: 'webgpu', fps: { median: 900, min: 900, max: 900, repeats: 5 }, check });
    const bad = benchResult({
      infer: [inferRow(), wrong],
      pipeline: [pipelineRow(), pipelineRow({ provider: 'webgpu' })],
    });
    const page = renderReport(bad);
    expect(page).not.toMatch(/<title>[^<]*webgpu/);
    expect(page).toContain('WRONG');
    expect(renderTable(bad)).toContain('WRONG');
  });

  it('draws the live path, and nothing of files, for a live run', () => {
    const rows = [streamRow(), streamRow({ sourceFps: 60, settled: false })];
    const page = renderReport(benchResult({ infer: [], pipeline: [], stream: rows }));
    expect(page).toMatch(/<title>Live 270p at 24.0 frames a second, 80 ms old/);
    expect(page).toContain('270p at 60 frames a second');
    expect(page).toContain('24 fps, 480x270 -&gt; 1920x1080');
    expect(page).toContain('(still moving)');
    // Each is drawn for phones, for windows and for screens.
    expect(count(page, '<svg')).toBe(2 * 3);
    expect(page).not.toMatch(/NaN|Infinity|undefined|File to file/);
    const table = renderTable(benchResult({ infer: [], pipeline: [], stream: rows }));
    expect(table).toMatch(/270p at 30 +30\.0 +24\.0 .* 80 +120 +140 /);
    expect(table).not.toContain('Inference alone');
  });

  it('takes tables of others, as text', () => {
    const more = [{ title: 'Hardware', note: 'a < b', head: ['what'], rows: [['<b>']] }];
    const page = renderReport(benchResult(), undefined, more);
    expect(page).toContain('<h2>Hardware</h2><p>a &lt; b</p>');
    expect(page).toContain('>&lt;b&gt;</td>');
  });

  it('compares the quality of models of one scale only', () => {
    const twice = inferRow({ model: 'x2', outputWidth: 960, outputHeight: 540 });
    expect(rowsOfOneScale([inferRow(), twice, inferRow({ model: 'peer' })]).map(({ model }) => model)).toEqual([
      ...['tinysr-nano', 'peer'],
    ]);
    expect(rowsOfOneScale([])).toEqual([]);
    const about = { shipped: true, params: 1, macsPerLrPixel: 1, quality: quality(0.1) };
    const both = [...models, { name: 'x2', ...about }];
    const page = renderReport(benchResult({ models: both, infer: [...infer, twice], pipeline }));
    expect(page).toContain('Models that enlarge 4 times');
    expect(page).toMatch(/<title>tinysr-nano: [^<]*LPIPS/);
    expect(page).not.toMatch(/<title>x2: [^<]*LPIPS/);
  });

  it('names devices that cannot be used by why they cannot', () => {
    const [cpu] = benchResult().devices;
    if (!cpu) throw new Error('no device');
    const not = (provider: 'cuda' | 'dml' | 'webgpu', reason: string) => ({ ...cpu, provider, usable: false, reason });
    const devices = [cpu, not('cuda', 'not here'), not('webgpu', 'no driver'), not('dml', 'not here')];
    expect(unusableText(devices)).toBe('not here: cuda, dml; no driver: webgpu');
    expect(renderTable(benchResult({ devices }))).toContain('devices not measured: not here: cuda, dml;');
    expect(renderReport(benchResult({ devices }))).toContain('<dd>cpu; not here: cuda, dml; no driver: webgpu</dd>');
  });

  it('has no memory for what was predicted', () => {
    const scaled = benchResult({
      infer: [inferRow({ basis: 'scaled', check: null, peakRssBytes: null })],
      pipeline: [pipelineRow({ basis: 'scaled', overlapEfficiency: null, timeline: [], peakRssBytes: null })],
    });
    expect(renderTable(scaled)).not.toMatch(/ 0 +- +see/);
    expect(renderTable(scaled)).toMatch(/20\.0\*\* .* - +- +see \*\*/);
    expect(renderReport(scaled)).toContain('file to file, predicted');
    expect(renderReport(scaled)).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('joins the models that nothing beats', () => {
    const point = (model: string, fps: number, lpips: number) => ({ model, shipped: true, fps, lpips });
    const points = [point('fast', 30, 0.3), point('good', 2, 0.2), point('neither', 10, 0.35)];
    expect(front(points).map(({ model }) => model)).toEqual(['good', 'fast']);
  });

  it('marks predictions in the table', () => {
    const table = renderTable(result);
    expect(table).toMatch(/peer, cpu .*2\.00\*/);
    expect(table).toContain('inference from one frame');
  });

  it('explains the marks that are there, and no others', () => {
    const mark = (basis: 'measured' | 'one-frame' | 'scaled') =>
      benchResult({ infer: [inferRow({ basis })], pipeline: [pipelineRow()] });
    const [oneFrame, scaled] = [/^\* {3}predicted/m, /^\*\* {2}predicted/m];
    for (const [basis, one, other] of [
      ['measured', false, false],
      ['one-frame', true, false],
      ['scaled', false, true],
    ] as const) {
      const table = renderTable(mark(basis));
      expect([oneFrame.test(table), scaled.test(table)], basis).toEqual([one, other]);
      const page = renderReport(mark(basis));
      expect([page.includes('. * predicted'), page.includes('. ** predicted')], basis).toEqual([one, other]);
    }
  });
});
