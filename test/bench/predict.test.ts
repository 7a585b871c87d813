import { describe, expect, it } from 'vitest';
import { ceilingFps, cpuSum, realTime, scaledInfer, scaledPipeline, slowestStage } from '#src/bench/predict.js';
import { inferRow, pipelineRow } from './results.js';

describe('predictions', () => {
  const twice = { name: '960x270', width: 960, height: 270 };

  it('scales by the number of pixels and says so', () => {
    const infer = scaledInfer(inferRow(), twice);
    expect(infer).toMatchObject({
      basis: 'scaled',
      outputWidth: 3840,
      outputHeight: 1080,
      check: null,
      peakRssBytes: null,
    });
    expect(infer.fps).toEqual({ median: 10, min: 10, max: 10, repeats: 1 });
    expect(infer.latencyMs.p50).toBe(100);
    const line = scaledPipeline(pipelineRow(), infer);
    expect(line).toMatchObject({ basis: 'scaled', overlapEfficiency: null, peakRssBytes: null, timeline: [] });
    expect(line.fps.median).toBe(5);
  });

  it('expects no more than the cores have time for', () => {
    const { stages } = pipelineRow();
    expect(cpuSum(stages)).toBeCloseTo(0.162);
    expect(ceilingFps(stages, 2)).toBeCloseTo(2 / 0.162);
    expect(ceilingFps(stages, 64)).toBe(20);
    expect(slowestStage(stages)).toBe('infer');
  });

  it('has no sum when a stage cannot be told', () => {
    const { stages } = pipelineRow();
    expect(cpuSum({ ...stages, decode: { fps: 1, cpuSecondsPerFrame: null } })).toBeNull();
  });

  it('says which rates are kept', () => {
    expect(realTime(29.9)).toEqual({ 24: true, 30: false, 60: false });
  });
});
