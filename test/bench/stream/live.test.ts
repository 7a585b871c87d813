import { basename, relative } from 'node:path';
import { expect, it } from 'vitest';
import type { BenchResult } from '#src/bench/index.js';
import { resolveModel } from '#src/infer/resolve-model.js';
import { runCli } from '../../support/cli.js';
import { testFolder } from '../../support/folder.js';

const folder = testFolder();

/** Makes every Node process below do as if mediasoup was not installed. */
const HOOKS = `data:text/javascript,${encodeURIComponent(`
  export async function resolve(name, context, next) {
    if (name === 'mediasoup') throw Object.assign(new Error('not found'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(name, context);
  }
`)}`;
const REGISTER = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module';
  register(${JSON.stringify(HOOKS)});
`)}`;

// Structure only: a benchmark never fails a build by a time.
it('measures the live path, without mediasoup too', async () => {
  const report = folder.file('report.html');
  const asked = ['--stream', '--seconds', '6', '--size', '96x64', '--fps', '10', '--device', 'cpu', '--threads', '1'];
  const { code, stdout, stderr } = await runCli(['bench', ...asked, '--json', '--report', report], {
    env: { NODE_OPTIONS: `--import=${REGISTER}` },
  });
  expect(stderr).toContain('live 96x64 at 10 fps');
  expect(code).toBe(0);
  const { infer, pipeline, stream } = JSON.parse(stdout.toString()) as BenchResult;
  expect([infer, pipeline]).toEqual([[], []]);
  expect(stream).toHaveLength(1);
  const [row] = stream;
  expect(row).toMatchObject({ model: 'tinysr-nano', provider: 'cpu', sourceFps: 10, seconds: 6, windowSeconds: 3 });
  expect(row).toMatchObject({ size: { width: 96, height: 64 }, targetMs: 250, failures: 0 });
  expect(row?.levels[0]).toMatchObject({ model: 'tinysr-nano', maxFps: null, work: '96x64', output: '384x256' });
  expect(row?.framesIn).toBeGreaterThan(0);
  expect(row?.framesOut).toBeGreaterThan(0);
  const { p50, p95, p99 } = row?.ageMs ?? { p50: 0, p95: 0, p99: 0 };
  expect(p50).toBeGreaterThan(0);
  expect(p95).toBeGreaterThanOrEqual(p50);
  expect(p99).toBeGreaterThanOrEqual(p95);
  expect(row?.peakRssBytes).toBeGreaterThan(10 << 20);
  expect(await folder.read('report.html', 'utf8')).toContain('<title>Live 96x64 at');
});

it("measures the live path with an ONNX file of somebody's own, named as seen from here", async () => {
  const nano = await resolveModel('tinysr-nano');
  const { file = '' } = nano.variants.find(({ format }) => format === 'rgb24') ?? {};
  const asked = ['--stream', '--seconds', '4', '--size', '96x64', '--fps', '10', '--device', 'cpu', '--threads', '1'];
  const path = relative(folder.path, file);
  const { code, stdout, stderr } = await runCli(['bench', ...asked, '--json', '--model', path], { cwd: folder.path });
  expect(stderr).not.toContain('no such model');
  expect(code).toBe(0);
  const { models, stream } = JSON.parse(stdout.toString()) as BenchResult;
  const name = basename(file, '.onnx');
  expect(models).toMatchObject([{ name, shipped: false }]);
  expect(stream).toMatchObject([{ model: name, failures: 0 }]);
  expect(stream[0]?.levels[0]).toMatchObject({ model: name, output: '384x256' });
});
