import { describe, expect, it } from 'vitest';
import { lineMs, stagesMs } from '#src/bench/cost.js';
import { EFFORTS } from '#src/bench/effort.js';
import { Findings } from '#src/bench/findings.js';
import type { LineResult, StagesResult } from '#src/bench/index.js';
import type { Cell } from '#src/bench/schedule.js';
import type { Candidate } from '#src/bench/select.js';
import { parseSize } from '#src/bench/sizes.js';
import { inferRow, pipelineRow } from './results.js';

const about = (name: string, macsPerLrPixel: number | null): Candidate => ({
  model: { name, scale: 4, multiple: 1, variants: [] },
  reference: name,
  about: { name, shipped: true, params: 1, macsPerLrPixel, quality: null },
});
const [nano, small] = [about('tinysr-nano', 100), about('tinysr-small', 1000)];
const at = (size: string, candidate = nano): Cell => ({ candidate, provider: 'cpu', size: parseSize(size) });

function stages(cell: Cell, fps = 20): StagesResult {
  const infer = inferRow({
    ...{ model: cell.candidate.model.name, size: cell.size, fps: { median: fps, min: fps, max: fps, repeats: 5 } },
    ...{ outputWidth: cell.size.width * 4, outputHeight: cell.size.height * 4 },
  });
  const { decode, encode } = pipelineRow().stages;
  return { infer, decode, encode, encoder: 'libx264', checkMs: 200 };
}

function line(fps: number): LineResult {
  const { timeline } = pipelineRow();
  const rate = { median: fps, min: fps, max: fps, repeats: 2 };
  return { frames: 48, fps: rate, cpuSecondsPerFrame: 0.16, peakRssBytes: 400 << 20, firstFrameMs: 300, timeline };
}

// Two cores and 0.162 s of CPU a frame allow a line of 12.35 frames a second.
const CEILING = 2 / 0.162;

describe('what measured cells say of others', () => {
  it('knows nothing of a model that was not measured', () => {
    const findings = new Findings(2);
    expect(findings.empty).toBe(true);
    expect(findings.rows(at('270p'))).toBeUndefined();
    findings.addStages(at('270p'), stages(at('270p')));
    expect(findings.rows(at('270p', small))).toBeUndefined();
  });

  it('scales from the nearest measured size, and says so', () => {
    const findings = new Findings(2);
    findings.addStages(at('270p'), stages(at('270p')));
    findings.addStages(at('480p'), stages(at('480p'), 7));
    const rows = findings.rows(at('720p'));
    expect(rows?.infer).toMatchObject({ basis: 'scaled', outputWidth: 5120, peakRssBytes: null, check: null });
    expect(rows?.infer.fps.median).toBeCloseTo((7 * 854 * 480) / (1280 * 720));
    expect(rows?.pipeline).toMatchObject({ basis: 'scaled', overlapEfficiency: null, peakRssBytes: null });
    expect(findings.rows(at('240p'))?.infer.fps.median).toBeCloseTo((20 * 480 * 270) / (426 * 240));
    expect(findings.rows(at('480p'))?.infer.basis).toBe('measured');
  });

  it('expects of a line what lines before it reached of their stages', () => {
    const findings = new Findings(2);
    findings.addStages(at('270p'), stages(at('270p')));
    expect(findings.rows(at('270p'))?.pipeline.fps.median).toBeCloseTo(CEILING);
    findings.addLine(at('270p'), line(CEILING / 2));
    findings.addStages(at('360p'), stages(at('360p')));
    findings.addStages(at('270p', small), stages(at('270p', small)));
    for (const cell of [at('360p'), at('270p', small)]) {
      expect(findings.rows(cell)?.pipeline).toMatchObject({ basis: 'one-frame', peakRssBytes: null });
      expect(findings.rows(cell)?.pipeline.fps.median).toBeCloseTo(CEILING / 2);
    }
    const measured = findings.rows(at('270p'))?.pipeline;
    expect(measured).toMatchObject({ basis: 'measured', peakRssBytes: 400 << 20 });
    expect(measured?.overlapEfficiency).toBeCloseTo(0.5);
  });

  it('keeps why a line failed', () => {
    const findings = new Findings(2);
    findings.addStages(at('270p'), stages(at('270p')));
    findings.addLine(at('270p'), 'no encoder');
    expect(findings.rows(at('270p'))?.pipeline).toMatchObject({ basis: 'one-frame', error: 'no encoder' });
  });

  it('does not let a wrong picture look right at another size', () => {
    const findings = new Findings(2);
    const wrong = stages(at('270p'));
    const check = { ok: false, maxDifference: 200, fidelityDb: 8 };
    findings.addStages(at('270p'), { ...wrong, infer: { ...wrong.infer, check } });
    expect(findings.rows(at('720p'))?.infer.check).toEqual(check);
  });
});

describe('how long things take', () => {
  const effort = EFFORTS.default;
  const findings = new Findings(2);
  findings.addStages(at('270p'), stages(at('270p')));
  const expected = (cell: Cell, what: 'stages' | 'line' = 'stages') =>
    findings.expectedMs({ ...cell, what, needed: false }, effort, 360) ?? Number.NaN;

  it('grows with the size and with what a model computes', () => {
    expect(expected(at('720p'))).toBeGreaterThan(expected(at('270p')));
    expect(expected(at('270p', small))).toBeGreaterThan(expected(at('270p')));
    expect(expected(at('720p'), 'line')).toBeGreaterThan(expected(at('270p'), 'line'));
  });

  it('is not known of a device or a model that nothing tells of', () => {
    expect(expected(at('270p', about('foreign', null)))).toBeNaN();
    expect(expected({ ...at('270p'), provider: 'cuda' })).toBeNaN();
  });

  it('has no more than one run of a picture that takes long', () => {
    const cost = { batch: 1, sessions: 1, decodeMs: 1, inferMs: 1600, encodeMs: 10, checkMs: 9000, lineMs: 1600 };
    expect(stagesMs(cost, effort)).toBeLessThan(8000);
    expect(stagesMs(cost, EFFORTS.full)).toBeGreaterThan(25_000);
    expect(lineMs(cost, effort, 360)).toBeGreaterThan(24 * 1600 * effort.repeats);
    expect(lineMs(cost, effort, 2)).toBeLessThan(10_000);
  });
});

describe('the budget of a run', () => {
  it('has every mode but the full one end', () => {
    expect(EFFORTS.default.budgetMs).toBeLessThanOrEqual(60_000);
    expect(EFFORTS.quick.budgetMs).toBeLessThan(30_000);
    expect(EFFORTS.full.budgetMs).toBeNull();
  });
});
