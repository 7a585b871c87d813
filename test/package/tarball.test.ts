import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { commandOf } from '../../scripts/lib/paths.mjs';
import { ffmpeg, frameTimes } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = testFolder();

/** npm without the settings of an npm that runs this test. */
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(cache|registry))/i.test(name)),
  ),
  ONNXRUNTIME_NODE_INSTALL: 'skip',
};

/** What a program of somebody else may say, without a name of its own for any type but those exported. */
const USER = `
import { createUpscaler, type FrameBatch, type Progress, probe, resolveModel, TinySRError, upscaleBatches, upscaleVideo } from 'tinysr-video';
import type { BatchSource, DeinterlaceChoice, FieldOrderChoice, MediaInfo, Model, Upscaler, UpscaleVideoOptions } from 'tinysr-video';
const deinterlace: DeinterlaceChoice = 'field';
const fieldOrder: FieldOrderChoice = 'top';
const options: UpscaleVideoOptions = { input: 'in.mp4', output: 'out.mp4', deinterlace, fieldOrder };
await upscaleVideo(options).forEach((event: Progress) => event.type === 'done' && console.log(event.frames));
const model: Model = await resolveModel('tinysr-nano');
const upscaler: Upscaler = await createUpscaler({ model, device: 'auto', format: 'rgb24', width: 64, height: 48 });
const batch: FrameBatch = { buffer: new ArrayBuffer(upscaler.input.bytes), count: 1, ptsNs: [0n], first: 0 };
const batches: BatchSource = [batch];
for await (const { frames } of upscaleBatches(upscaler, batches)) console.log(frames.length);
const info: MediaInfo | string = await probe('in.mp4').catch((error: unknown) => error instanceof TinySRError ? error.code : 'other');
console.log(info);
`;

it('the packed package installs in an empty folder and runs, as command and as library', async () => {
  const home = folder.empty();
  const packed = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', home], {
    cwd: ROOT,
    env,
  });
  const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      'dist/cli/main.js',
      'dist/index.d.ts',
      'models/manifest.json',
      'docs/models.md',
      'LICENSE',
    ]),
  );
  expect(paths.filter((path) => /^(src|test|training|scripts)\//.test(path))).toEqual([]);

  writeFileSync(join(home, 'package.json'), '{"name":"user","private":true,"type":"module"}');
  const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', join(home, filename)];
  await run('npm', install, { cwd: home, env, maxBuffer: 1 << 24 });

  const clip = folder.file('in.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=48x32:r=5:d=0.6', '-pix_fmt', 'yuv420p', '-c:v', 'libx264', clip);
  await run(join(home, 'node_modules', '.bin', 'tinysr-video'), [clip, join(home, 'out.mp4')], { cwd: home, env });
  expect(await frameTimes(join(home, 'out.mp4'))).toHaveLength(3);

  // Its types need nothing but what it installs, and Node's.
  mkdirSync(join(home, 'node_modules', '@types'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', '@types', 'node'), join(home, 'node_modules', '@types', 'node'));
  writeFileSync(join(home, 'user.ts'), USER);
  const compiler = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--noEmit', 'user.ts'];
  const checked = await run(process.execPath, [commandOf('typescript', 'tsc'), ...compiler], { cwd: home }).catch(
    (error: { stdout: string }) => error,
  );
  expect(checked.stdout).toBe('');

  const script = "import { listModels } from 'tinysr-video'; console.log((await listModels())[0].name)";
  const library = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: home, env });
  expect(library.stdout.trim()).toMatch(/^tinysr-/);
}, 600_000);
