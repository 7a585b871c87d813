import type { BenchResult, InferRow, PipelineRow, StreamRow } from '#src/bench/index.js';

/** An inference row with invented numbers. */
export function inferRow(changes: Partial<InferRow> = {}): InferRow {
  return {
    ...{ model: 'tinysr-nano', provider: 'cpu', size: { name: '270p', width: 480, height: 270 }, error: null },
    ...{
      basis: 'measured',
      format: 'yuv420p',
      outputWidth: 1920,
      outputHeight: 1080,
      batch: 1,
      tile: null,
      sessions: 1,
      threads: 2,
    },
    fps: { median: 20, min: 19, max: 21, repeats: 5 },
    latencyMs: { p50: 50, p95: 52, p99: 53, samples: [49, 50, 50, 50, 51, 52, 53] },
    ...{ openMs: 100, firstRunMs: 80, cpuSecondsPerFrame: 0.1, peakRssBytes: 200 << 20, deviceMemoryBytes: null },
    ...{ uploadMs: null, downloadMs: null, check: { ok: true, maxDifference: 1, fidelityDb: 45 } },
    ...changes,
  };
}

/** A pipeline row with invented numbers. */
export function pipelineRow(changes: Partial<PipelineRow> = {}): PipelineRow {
  const { model, provider, size, error, format } = inferRow();
  return {
    ...{ model, provider, size, error, format, basis: 'measured', outputWidth: 1920, outputHeight: 1080 },
    ...{ encoder: 'libx264', frames: 40, fps: { median: 10, min: 9.8, max: 10.2, repeats: 2 } },
    stages: {
      decode: { fps: 400, cpuSecondsPerFrame: 0.002 },
      infer: { fps: 20, cpuSecondsPerFrame: 0.1 },
      encode: { fps: 30, cpuSecondsPerFrame: 0.06 },
    },
    ...{ slowest: 'infer', cpuSecondsPerFrame: 0.165, overlapEfficiency: 0.81, efficiencyBasis: 'cpu' },
    ...{ realTime: { 24: false, 30: false, 60: false }, peakRssBytes: 500 << 20, firstFrameMs: 300 },
    timeline: [
      { stage: 'decode', batch: 1, fromMs: 0, toMs: 2 },
      { stage: 'infer', batch: 0, fromMs: 1, toMs: 51 },
      { stage: 'encode', batch: 0, fromMs: 51, toMs: 55 },
      { stage: 'infer', batch: 1, fromMs: 51, toMs: 101 },
    ],
    ...changes,
  };
}

/** A live row with invented numbers. */
export function streamRow(changes: Partial<StreamRow> = {}): StreamRow {
  const { model, provider, size } = inferRow();
  const level = { model, sizeShare: 1, work: '480x270', output: '1920x1080' };
  return {
    ...{ model, provider, size, sourceFps: 30, error: null, basis: 'measured', seconds: 20, windowSeconds: 5 },
    ...{ fpsIn: 30, fps: { median: 24, min: 23, max: 24.5, repeats: 4 }, ageMs: { p50: 80, p95: 120, p99: 140 } },
    ...{ targetMs: 250, framesIn: 150, framesOut: 120, displaced: 2, paced: 28, failures: 0, firstPictureMs: 400 },
    ...{ settled: true, peakRssBytes: 400 << 20 },
    levels: [
      { at: 0.2, maxFps: null, ...level },
      { at: 2, maxFps: 24, ...level },
    ],
    pictures: Array.from({ length: 40 }, (_, index) => ({ at: index / 2, ageMs: 80 + (index % 5) * 10 })),
    ...changes,
  };
}

/** A result with invented numbers. */
export function benchResult(changes: Partial<BenchResult> = {}): BenchResult {
  return {
    ...{ schema: 'tinysr-video-bench/1', mode: 'default', date: '2026-01-01T00:00:00.000Z', seconds: 60 },
    machine: {
      ...{ cpu: 'Test CPU', cores: 2, instructions: ['avx2'], memoryBytes: 8 * 2 ** 30, os: 'linux', gpu: null },
      ...{ threads: 2, load: 0.1 },
      versions: { tinysrVideo: '0.1.0', node: '20.20.2', onnxruntime: '1.30.0', ffmpeg: '5.1' },
    },
    input: 'synthetic',
    devices: [{ provider: 'cpu', usable: true, runMs: 1, beatsCpu: undefined, reason: undefined, hint: undefined }],
    models: [{ name: 'tinysr-nano', shipped: true, params: 1, macsPerLrPixel: 1, quality: null }],
    ...{ infer: [inferRow()], pipeline: [pipelineRow()], stream: [] },
    ...changes,
  };
}
