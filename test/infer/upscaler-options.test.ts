import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createUpscaler, frameLayout, resolveModel, type UpscalerOptions } from '#src/index.js';
import { errorOf } from '../support/upscale.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const model = await resolveModel('tinysr-nano');
const OPTIONS = { model, device: 'cpu', format: 'rgb24', width: 32, height: 16, threads: 1 } as const;
const { bytes } = frameLayout('rgb24', 32, 16);

/** Worker threads keep the process alive by their ports. */
const ports = () => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;

describe('options of an upscaler out of place', () => {
  const foreign = { ...model, multiple: 1 };
  it.each<[string, object]>([
    ['model', { model: 'tinysr-nano' }],
    ['model', { model: undefined }],
    ['device', { device: 'gpu' }],
    ['device', { device: undefined }],
    ['format', { format: 'rgba' }],
    ['width', { width: 0 }],
    ['width', { width: -64 }],
    ['width', { width: Number.NaN }],
    ['height', { height: 16.5 }],
    ['height', { height: 20_000 }],
    ['batch', { batch: 0 }],
    ['batch', { batch: 65 }],
    ['threads', { threads: 0 }],
    ['threads', { threads: 257 }],
    ['tile', { tile: -1 }],
    ['precision', { precision: 'fp8' }],
    ['parallel', { parallel: 1 }],
    ['multiples of 2', { width: 33 }],
    ['multiples of 2', { width: 65, height: 49, format: 'yuv420p' }],
    ['multiples of 2', { model: foreign, height: 17, format: 'yuv420p' }],
    ['multiples of 1 from 48 on', { model: { ...foreign, tile: 48 }, width: 64 }],
  ])('are refused with what is allowed, and no thread is left: %s of %#', async (words, options) => {
    const before = ports();
    const error = await errorOf(createUpscaler({ ...OPTIONS, ...options } as UpscalerOptions));
    expect([error.code, error.message]).toEqual(['TSR_USAGE', expect.stringContaining(words)]);
    expect(error.hint).toBeTruthy();
    expect(ports()).toBe(before);
  });

  it('of a size that does not fit come with one that does', async () => {
    const { hint = '' } = await errorOf(createUpscaler({ ...OPTIONS, width: 33, height: 15 }));
    const [width, height] = /(\d+)x(\d+)/.exec(hint)?.slice(1).map(Number) ?? [];
    await using upscaler = await createUpscaler({ ...OPTIONS, width: width ?? 0, height: height ?? 0 });
    expect([upscaler.input.width, upscaler.input.height]).toEqual([34, 16]);
  });
});

describe('frames that cannot be run', () => {
  it('are refused, and those after them run', async () => {
    await using upscaler = await createUpscaler({ ...OPTIONS, batch: 2 });
    const frames = () => new ArrayBuffer(2 * bytes);
    const given = frames();
    const calls: [ArrayBuffer, number][] = [
      ...[0, 3, -1, 1.5, Number.NaN].map((count): [ArrayBuffer, number] => [frames(), count]),
      [new ArrayBuffer(10), 1],
      [new ArrayBuffer(bytes), 2],
      [new Uint8Array(frames()) as unknown as ArrayBuffer, 1],
      [undefined as unknown as ArrayBuffer, 1],
    ];
    const running = upscaler.upscale(given, 1);
    calls.push([given, 1]);
    for (const [buffer, count] of calls) {
      const error = await errorOf(upscaler.upscale(buffer, count));
      expect([error.code, Boolean(error.hint)]).toEqual(['TSR_USAGE', true]);
    }
    await running;
    expect((await upscaler.upscale(frames(), 2)).output.byteLength).toBe(2 * upscaler.output.bytes);
  });

  it('are refused, or run as a copy, where their buffer stays with its owner: as Node has it', async () => {
    await using upscaler = await createUpscaler(OPTIONS);
    const { buffer } = new WebAssembly.Memory({ initial: 1 });
    const ran = await upscaler.upscale(buffer as ArrayBuffer, 1).then(
      ({ output }) => output.byteLength,
      (error: { code?: unknown }) => error.code,
    );
    expect(['TSR_USAGE', upscaler.output.bytes]).toContain(ran);
  });
});

describe('an upscaler that is closed', () => {
  it('rejects what is under way, and that ends no program that has stopped waiting for it', async () => {
    const script = `
      const { createUpscaler, resolveModel } = await import('tinysr-video');
      const size = { device: 'cpu', format: 'rgb24', width: 32, height: 16, threads: 1 };
      const upscaler = await createUpscaler({ model: await resolveModel('tinysr-nano'), ...size });
      const frame = () => new ArrayBuffer(upscaler.input.bytes);
      const runs = [upscaler.upscale(frame(), 1), upscaler.upscale(frame(), 1)];
      await upscaler.close();
      const ends = await Promise.allSettled(runs);
      console.log(ends.map(({ reason }) => reason?.code).join());`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT });
    expect(stdout.trim()).toBe('TSR_INFER_FAILED,TSR_INFER_FAILED');
  });
});
