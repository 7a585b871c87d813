import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  chooseProvider,
  createUpscaler,
  frameLayout,
  listModels,
  probeDevice,
  resolveModel,
  upscaleFrames,
} from '#src/index.js';
import { testFolder } from '../support/folder.js';
import { counting } from '../support/pictures.js';
import { errorOf } from '../support/upscale.js';

const folder = testFolder();
const nano = await resolveModel('tinysr-nano');
const OPTIONS = { model: nano, device: 'cpu', format: 'rgb24', width: 32, height: 16, threads: 1 } as const;
const BYTES = frameLayout('rgb24', 32, 16).bytes;
const grey = (level: number, count = 1) => new Uint8Array(BYTES * count).fill(level).buffer;
const mean = (buffer: ArrayBuffer) => new Uint8Array(buffer).reduce((sum, value) => sum + value, 0) / buffer.byteLength;

describe('an upscaler', () => {
  it('gives frames of its scale and the input buffer back', async () => {
    await using upscaler = await createUpscaler(OPTIONS);
    expect([upscaler.output.width, upscaler.output.height, upscaler.provider]).toEqual([128, 64, 'cpu']);
    const buffer = grey(100);
    const running = upscaler.upscale(buffer, 1);
    expect(buffer.byteLength).toBe(0);
    const { output, input, runMs } = await running;
    expect([output.byteLength, input.byteLength]).toEqual([BYTES * 16, BYTES]);
    expect(runMs).toBeGreaterThan(0);
    expect(Math.abs(mean(output) - 100)).toBeLessThan(2);
  });

  it.each(['rgb24', 'rgb48le', 'yuv420p', 'yuv420p10le'] as const)('takes and gives %s', async (format) => {
    await using upscaler = await createUpscaler({ ...OPTIONS, format });
    expect([upscaler.input.format, upscaler.output.format]).toEqual([format, format]);
    const { output } = await upscaler.upscale(new ArrayBuffer(upscaler.input.bytes), 1);
    expect(output.byteLength).toBe(upscaler.output.bytes);
  });

  it('runs batches, each frame as if it were alone', async () => {
    await using upscaler = await createUpscaler({ ...OPTIONS, batch: 3 });
    expect(upscaler.batch).toBe(3);
    const levels = [20, 120, 220];
    const packed = new Uint8Array(BYTES * 3);
    for (const [index, level] of levels.entries()) packed.fill(level, index * BYTES, (index + 1) * BYTES);
    const { output } = await upscaler.upscale(packed.buffer, 3);
    const single = await Promise.all(levels.map((level) => upscaler.upscale(grey(level, 3), 1)));
    const joined = Buffer.concat(single.map((result) => new Uint8Array(result.output)));
    expect(Buffer.compare(new Uint8Array(output), joined)).toBe(0);
  });

  it.each([
    [32, 16, 4],
    [320, 180, 4],
    [480, 270, 2],
    [640, 360, 1],
  ])('of %i x %i takes batches of %i on a CPU', async (width, height, batch) => {
    await using upscaler = await createUpscaler({ ...OPTIONS, width, height });
    expect(upscaler.batch).toBe(batch);
  });

  it('answers calls in the order they came', async () => {
    await using upscaler = await createUpscaler(OPTIONS);
    const order: number[] = [];
    await Promise.all(counting(6).map((i) => upscaler.upscale(grey(i * 30), 1).then(() => order.push(i))));
    expect(order).toEqual(counting(6));
  });

  it('is the operator of a line: batches go in and come out in order, their buffers whole', async () => {
    await using upscaler = await createUpscaler(OPTIONS);
    const batches = counting(5).map((i) => ({ buffer: grey(40 * i), count: 1, ptsNs: [BigInt(i)], first: i }));
    const results = await lastValueFrom(from(batches).pipe(upscaleFrames(upscaler), toArray()));
    expect(results.map(({ source }) => source.first)).toEqual(counting(5));
    for (const [index, { source, output }] of results.entries()) {
      expect(source.buffer.byteLength).toBe(BYTES);
      expect(Math.abs(mean(output) - 40 * index)).toBeLessThan(3);
    }
  });

  it('once closed refuses to run, and closes again without harm', async () => {
    const upscaler = await createUpscaler(OPTIONS);
    const waiting = counting(4).map(() => errorOf(upscaler.upscale(grey(0), 1)));
    await upscaler.close();
    await upscaler.close();
    const error = await errorOf(upscaler.upscale(grey(0), 1));
    expect(error.code).toBe('TSR_INFER_FAILED');
    for (const result of await Promise.allSettled(waiting)) {
      if (result.status === 'fulfilled') expect(result.value.code).toBe('TSR_INFER_FAILED');
    }
  });

  it.each(['before', 'while'])('stopped %s it is opened says so, with the reason', async (when) => {
    const abort = new AbortController();
    const reason = new Error('mine');
    if (when === 'before') abort.abort(reason);
    const opening = errorOf(createUpscaler({ ...OPTIONS, signal: abort.signal }));
    abort.abort(reason);
    expect(await opening).toMatchObject({ code: 'TSR_INTERRUPTED', cause: reason });
  });

  it('of frames that the model has no graph for is refused', async () => {
    const model = { ...nano, variants: nano.variants.filter(({ format }) => format === 'rgb24') };
    expect((await errorOf(createUpscaler({ ...OPTIONS, model, format: 'yuv420p' }))).code).toBe(
      'TSR_MODEL_UNSUPPORTED',
    );
  });

  it('of a graph that does not open says so in one line', async () => {
    const file = await folder.made('broken.onnx', (path) => writeFile(path, 'no graph'));
    const model = { ...nano, variants: [{ file, format: 'rgb24', precision: 'fp32' } as const] };
    const error = await errorOf(createUpscaler({ ...OPTIONS, model }));
    expect(error.code).toBe('TSR_INFER_FAILED');
    expect(error.message).not.toContain('\n');
  });
});

describe('shipped models', () => {
  it('are listed with what they cost, and every file has its published checksum', async () => {
    const models = await listModels();
    expect(models.map(({ name }) => name)).toContain('tinysr-nano');
    for (const { name, params, macsPerLrPixel, licence } of models) {
      expect([params, macsPerLrPixel].every((value) => (value ?? 0) > 0)).toBe(true);
      expect(licence).toBeTruthy();
      expect((await resolveModel(name)).name).toBe(name);
    }
  });

  it('a file that is not the published one is refused', async () => {
    // The installation is copied, as the checksum is of a file beside dist/.
    const root = new URL('../../', import.meta.url).pathname;
    const place = folder.file('installed');
    for (const part of ['dist/infer', 'dist/shared', 'models/adapters', 'models/checkpoints'])
      await mkdir(join(place, part), { recursive: true });
    await copyFile(join(root, 'package.json'), join(place, 'package.json'));
    const { readdir, symlink } = await import('node:fs/promises');
    await symlink(join(root, 'node_modules'), join(place, 'node_modules'));
    for (const part of ['dist/infer', 'dist/shared', 'models', 'models/checkpoints']) {
      for (const name of await readdir(join(root, part))) {
        if (/\.(js|json|onnx|safetensors)$/.test(name)) await copyFile(join(root, part, name), join(place, part, name));
      }
    }
    const installed = (await import(join(place, 'dist/infer/resolve-model.js'))) as {
      resolveModel: typeof resolveModel;
    };
    expect((await installed.resolveModel('tinysr-nano')).scale).toBe(4);
    expect((await installed.resolveModel('tinysr-small')).scale).toBe(4);
    // A graph with its weights, and weights that graphs share.
    for (const [name, file] of [
      ['tinysr-nano', 'tinysr-nano-yuv420p.onnx'],
      ['tinysr-small', 'checkpoints/tinysr-small.safetensors'],
    ] as const) {
      const path = join(place, 'models', file);
      const bytes = await readFile(path);
      bytes[5000] = (bytes[5000] ?? 0) ^ 1;
      await writeFile(path, bytes);
      const message = expect.stringContaining(basename(file)) as string;
      await expect(installed.resolveModel(name)).rejects.toMatchObject({ code: 'TSR_MODEL_CHECKSUM', message });
    }
  });
});

describe('devices', () => {
  it('the CPU answers rightly on the probe frame', async () => {
    const report = await probeDevice(nano, 'cpu');
    expect(report).toMatchObject({ provider: 'cpu', usable: true, reason: undefined });
    expect(report.runMs).toBeGreaterThan(0);
  });

  it('auto takes one that works', async () => {
    const provider = await chooseProvider(nano, 'auto');
    expect((await probeDevice(nano, provider)).usable).toBe(true);
  });

  const elsewhere = process.platform === 'darwin' ? 'dml' : 'coreml';
  it('one that is not of this system is refused with what to do', async () => {
    const error = await errorOf(chooseProvider(nano, elsewhere));
    expect([error.code, error.exitCode]).toEqual(['TSR_DEVICE_UNAVAILABLE', 5]);
    expect(error.hint).toBeTruthy();
  });
});
