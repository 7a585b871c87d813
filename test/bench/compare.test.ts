import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { compareResults, readResult, renderChanges } from '#src/bench/compare.js';
import { renderReport } from '#src/bench/index.js';
import { testFolder } from '../support/folder.js';
import { benchResult, inferRow, pipelineRow, streamRow } from './results.js';

describe('comparison of two runs', () => {
  const folder = testFolder();
  const file = async (content: string) => {
    const path = folder.file('old.json');
    await writeFile(path, content);
    return path;
  };

  it('tells a change from noise', async () => {
    const old = await readResult(await file(JSON.stringify(benchResult())));
    const fast = { median: 26, min: 25.5, max: 26.5, repeats: 5 };
    const alike = { median: 10.1, min: 10, max: 10.2, repeats: 2 };
    const now = benchResult({ infer: [inferRow({ fps: fast })], pipeline: [pipelineRow({ fps: alike })] });
    const changes = compareResults(old, now);
    expect(changes.map(({ what, verdict }) => [what, verdict])).toEqual([
      ['infer', 'faster'],
      ['pipeline', 'same'],
    ]);
    expect(changes[0]?.change).toBeCloseTo(0.3);
    expect(changes[0]?.noise).toBeCloseTo(Math.hypot(0.05, 0.5 / 26));
    const text = renderChanges(old, now, changes);
    expect(text).toMatch(/270p inference .*20\.0 .*26\.0 .*\+30\.0% .*faster/);
    expect(text).toMatch(/270p end to end .*within noise/);
  });

  it('leaves out cells that only one run has, and marks predictions', () => {
    const size = { name: '720p', width: 1280, height: 720 };
    const now = benchResult({ infer: [inferRow({ size }), inferRow({ basis: 'one-frame' })], pipeline: [] });
    const changes = compareResults(benchResult(), now);
    expect(changes).toHaveLength(1);
    expect(changes[0]?.noise).toBeNull();
  });

  it('says from when on a prediction counts as changed, and only where there is one', () => {
    const now = benchResult({ infer: [inferRow({ basis: 'one-frame' })] });
    expect(renderChanges(benchResult(), now, compareResults(benchResult(), now))).toMatch(/^predicted: .* 25 %/m);
    const measured = compareResults(benchResult(), benchResult());
    expect(renderChanges(benchResult(), benchResult(), measured)).not.toContain('25 %');
    const page = (changes: typeof measured) => renderReport(now, { before: benchResult(), changes });
    expect(page(compareResults(benchResult(), now))).toContain('changes up to 25 % count as noise');
    expect(page(measured)).not.toContain('25 %');
  });

  const { machine } = benchResult();
  const fast = { median: 26, min: 25.5, max: 26.5, repeats: 5 };
  const fastRun = (load: number) => benchResult({ infer: [inferRow({ fps: fast })], machine: { ...machine, load } });

  it.each([
    ['then', 4.2, 0.9],
    ['now', 0.9, 4.2],
  ])('calls nothing faster where the machine was busy %s', async (when, load, loadNow) => {
    const old = await readResult(await file(JSON.stringify(benchResult({ machine: { ...machine, load } }))));
    const now = fastRun(loadNow);
    const changes = compareResults(old, now);
    expect(changes.map(({ what, verdict }) => [what, verdict])).toEqual([
      ['infer', 'busy'],
      ['pipeline', 'same'],
    ]);
    const text = renderChanges(old, now, changes);
    expect(text).toContain(`busy ${when} (load 4.2 on 2 cores)`);
    expect(text).toMatch(/270p inference .*none: machine busy/);
    expect(text).not.toMatch(/faster$/m);
    expect(renderReport(now, { before: old, changes })).toContain('The machine was busy');
  });

  it('gives a verdict where neither run was busy', () => {
    const now = fastRun(1);
    const changes = compareResults(benchResult(), now);
    expect(changes[0]?.verdict).toBe('faster');
    expect(renderChanges(benchResult(), now, changes)).not.toContain('busy');
  });

  it('names what else was different: mode, versions, system', async () => {
    const versions = { ...machine.versions, onnxruntime: '1.20.0', node: '18.0.0' };
    const before = benchResult({ mode: 'quick', machine: { ...machine, versions, os: 'darwin', gpu: 'Test GPU' } });
    const old = await readResult(await file(JSON.stringify(before)));
    const [head = ''] = renderChanges(old, benchResult(), []).split('\n');
    for (const difference of [
      'a quick run, not a default one',
      'node 18.0.0, not 20.20.2',
      'onnxruntime 1.20.0, not 1.30.0',
      'darwin, not linux',
      'Test GPU, not none',
    ]) {
      expect(head).toContain(difference);
    }
    expect(head).not.toContain('ffmpeg');
    expect(renderChanges(benchResult(), benchResult(), [])).not.toContain('which had');
  });

  it('pairs live rows by the rate of the source, and takes results from before there were any', async () => {
    const live = benchResult({ infer: [], pipeline: [], stream: [streamRow(), streamRow({ sourceFps: 60 })] });
    const slow = { median: 12, min: 11.5, max: 12.5, repeats: 4 };
    const now = { ...live, stream: [streamRow({ fps: slow }), streamRow({ sourceFps: 60 })] };
    const changes = compareResults(await readResult(await file(JSON.stringify(live))), now);
    expect(changes.map(({ what, size, verdict }) => [what, size, verdict])).toEqual([
      ['stream', '270p at 30', 'slower'],
      ['stream', '270p at 60', 'same'],
    ]);
    const { stream: _, ...before } = benchResult();
    expect((await readResult(await file(JSON.stringify(before)))).stream).toEqual([]);
  });

  it('refuses what no run printed', async () => {
    const usage = expect.objectContaining({ code: 'TSR_USAGE' });
    await expect(readResult('/nowhere/old.json')).rejects.toEqual(usage);
    await expect(readResult(await file('{"schema":"other"}'))).rejects.toEqual(usage);
    await expect(readResult(await file('not JSON'))).rejects.toEqual(usage);
  });
});
