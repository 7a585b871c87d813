import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BenchEvent, type BenchOptions, type BenchResult, runBench } from '#src/bench/index.js';
import { namesIn, testFolder } from '../support/folder.js';

const OPTIONS: BenchOptions = {
  ...{ mode: 'quick', models: ['tinysr-nano'], peers: [], devices: ['cpu'], input: undefined },
  ...{ sizes: [{ name: '96x64', width: 96, height: 64 }], batch: undefined, threads: 1 },
  // However busy the machine is, everything is measured.
  budgetMs: null,
};

const folder = testFolder();

afterEach(() => {
  vi.unstubAllEnvs();
});

// Structure only: a benchmark never fails a build by a time.
describe('a run', () => {
  const events: BenchEvent[] = [];
  let result: BenchResult;

  beforeAll(async () => {
    result = await runBench(OPTIONS, new AbortController().signal, (event) => events.push(event));
  });

  it('measures inference and checks its result', () => {
    expect(result.infer).toHaveLength(1);
    const [row] = result.infer;
    expect(row).toMatchObject({
      model: 'tinysr-nano',
      provider: 'cpu',
      outputWidth: 384,
      outputHeight: 256,
      threads: 1,
    });
    expect(row?.check).toMatchObject({ ok: true });
    expect(row?.fps.median).toBeGreaterThan(0);
    const { p50, p95, p99, samples } = row?.latencyMs ?? { p50: 0, p95: 0, p99: 0, samples: [] };
    expect(p50).toBeLessThanOrEqual(p95);
    expect(p95).toBeLessThanOrEqual(p99);
    expect(samples.length).toBeGreaterThan(0);
    expect(row?.peakRssBytes).toBeGreaterThan(10 << 20);
    expect(row?.uploadMs).toBeNull();
  });

  it('measures each stage and the line, whose stages overlap', () => {
    const [row] = result.pipeline;
    expect(row?.encoder).toBe('libx264');
    for (const stage of ['decode', 'infer', 'encode'] as const) expect(row?.stages[stage].fps).toBeGreaterThan(0);
    expect(row?.basis).toBe('measured');
    expect(row?.overlapEfficiency).toBeGreaterThan(0);
    expect(row?.frames).toBeGreaterThanOrEqual(24);
    const entry = (stage: string) => row?.timeline.filter((found) => found.stage === stage) ?? [];
    const read = entry('decode').filter(({ batch, toMs }) =>
      entry('infer').some((run) => run.batch < batch && toMs < run.toMs),
    );
    // Frames are read before the run of an earlier one has ended.
    expect(read.length).toBeGreaterThan(0);
  });

  it('tells of the machine, and of each row as it is found', () => {
    expect(result.machine.versions.onnxruntime).toMatch(/^\d+\.\d+/);
    expect(result.machine.cores).toBeGreaterThan(0);
    expect(events.map(({ type }) => type).filter((type) => type !== 'warning')).toEqual([
      ...['prepare', 'cell', 'infer', 'cell', 'pipeline'],
    ]);
    expect(JSON.parse(JSON.stringify(result)).schema).toBe('tinysr-video-bench/1');
  });
});

describe('a run without time', () => {
  it('has a row for every cell: the first from one frame, the others predicted from it', async () => {
    const size = (width: number, height: number) => ({ name: `${width}x${height}`, width, height });
    const options = { ...OPTIONS, budgetMs: 1, sizes: [size(96, 64), size(64, 48)] };
    const events: BenchEvent[] = [];
    const { infer, pipeline } = await runBench(options, new AbortController().signal, (event) => events.push(event));
    expect(infer.map((row) => [row.size.name, row.basis])).toEqual([
      ['64x48', 'one-frame'],
      ['96x64', 'scaled'],
    ]);
    expect(infer[0]?.check).toMatchObject({ ok: true });
    expect(infer[1]).toMatchObject({ outputWidth: 384, outputHeight: 256, check: null });
    expect(pipeline.map(({ basis, overlapEfficiency }) => [basis, overlapEfficiency])).toEqual([
      ['one-frame', null],
      ['scaled', null],
    ]);
    expect(events.filter(({ type }) => type === 'cell')).toMatchObject([{ number: 1, total: 1, leftSeconds: 0 }]);
  });
});

describe('a run that cannot be', () => {
  const run = (changes: Partial<BenchOptions>, signal = new AbortController().signal) =>
    runBench({ ...OPTIONS, ...changes }, signal, () => undefined);

  it('names a model that is not there', async () => {
    await expect(run({ models: ['tinysr-none'] })).rejects.toMatchObject({ code: 'TSR_MODEL_NOT_FOUND' });
  });

  it('names a device that is not there', async () => {
    const device = process.platform === 'darwin' ? 'dml' : 'coreml';
    await expect(run({ devices: [device] })).rejects.toMatchObject({ code: 'TSR_DEVICE_UNAVAILABLE' });
  });

  it('stops when asked to and leaves nothing', async () => {
    const scratch = folder.empty();
    vi.stubEnv('TMPDIR', scratch);
    const stop = new AbortController();
    const stopped = runBench(OPTIONS, stop.signal, ({ type }) => {
      if (type === 'cell') setTimeout(() => stop.abort(), 300);
    });
    await expect(stopped).rejects.toMatchObject({ code: 'TSR_INTERRUPTED' });
    expect(namesIn(scratch)).toEqual([]);
  });
});
