import { describe, expect, it } from 'vitest';
import { Recorder } from '#src/bench/stream/recorder.js';
import type { BridgeStats } from '#src/stream/bridge/bridge.js';

function stats(changes: Partial<BridgeStats>): BridgeStats {
  return {
    ...{ state: 'running', reason: undefined, source: '480x270', work: '480x270', output: '1920x1080' },
    ...{ model: 'tinysr-nano', maxFps: undefined, sizeShare: 1, fpsIn: 0, fpsOut: 0, ageMs: 0, ageP95Ms: 0, queued: 0 },
    stages: { receive: 0, decode: 0, wait: 0, model: 0, encode: 0 },
    ...{ framesIn: 0, framesOut: 0, displaced: 0, paced: 0, packetsLost: 0, keyFrameRequests: 0, failures: 0 },
    ...changes,
  };
}

describe('record of a live run', () => {
  it('counts the last part only', () => {
    const recorder = new Recorder();
    for (let i = 0; i < 100; i += 1) recorder.picture(i / 10, i < 60 ? 900 : i);
    recorder.beginWindow(6, stats({ framesIn: 200, displaced: 50, paced: 3 }));
    const { pictures, ...found } = recorder.finish(10, stats({ framesIn: 300, displaced: 52, paced: 60 }));
    expect(found).toMatchObject({ fpsIn: 25, framesIn: 100, framesOut: 40, displaced: 2, paced: 57 });
    expect(found.fps).toEqual({ median: 10, min: 10, max: 10, repeats: 4 });
    expect(found.ageMs).toEqual({ p50: 79, p95: 97, p99: 99 });
    expect(pictures).toHaveLength(100);
  });

  it('shows an uneven rate', () => {
    const recorder = new Recorder();
    recorder.beginWindow(0, stats({}));
    for (let i = 0; i < 20; i += 1) recorder.picture(i / 10, 50);
    expect(recorder.finish(4, stats({})).fps).toEqual({ median: 5, min: 0, max: 10, repeats: 4 });
  });

  it('notes each level once, and whether it held', () => {
    const recorder = new Recorder();
    recorder.look(0.1, stats({ work: undefined, output: undefined, model: undefined }));
    for (const at of [0.2, 0.4]) recorder.look(at, stats({}));
    recorder.look(2, stats({ maxFps: 24 }));
    recorder.beginWindow(5, stats({}));
    recorder.picture(6, 50);
    expect(recorder.finish(10, stats({})).settled).toBe(true);
    recorder.look(7, stats({ maxFps: 24, work: '360x202', output: '1440x808', sizeShare: 0.75 }));
    const { settled, levels } = recorder.finish(10, stats({}));
    expect(settled).toBe(false);
    expect(levels.map(({ at, maxFps, work }) => [at, maxFps, work])).toEqual([
      [0.2, null, '480x270'],
      [2, 24, '480x270'],
      [7, 24, '360x202'],
    ]);
  });

  it('keeps as many pictures as a chart can show', () => {
    const recorder = new Recorder();
    for (let i = 0; i < 5000; i += 1) recorder.picture(i / 60, 50);
    const { pictures } = recorder.finish(5000 / 60, stats({}));
    expect(pictures.length).toBeGreaterThan(200);
    expect(pictures.length).toBeLessThanOrEqual(400);
  });
});
