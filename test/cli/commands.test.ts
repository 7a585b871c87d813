import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.js';
import { testFolder } from '../support/folder.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = testFolder();

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

it('prints help with every option, and the version', async () => {
  const help = (await runCli(['--help'])).stdout.toString();
  const { OPTION_TABLE } = await import('#src/cli/options.js');
  for (const { flag } of OPTION_TABLE) expect(help).toContain(flag);
  expect((await runCli(['--version'])).stdout.toString().trim()).toBe(manifest.version);
});

it('doctor finds ffmpeg, the shipped models and a CPU that computes rightly', async () => {
  const { code, stdout } = await runCli(['doctor', '--json']);
  const findings = JSON.parse(stdout.toString()) as { what: string; ok: boolean; detail: string }[];
  const of = (what: string) => findings.filter((finding) => finding.what === what);
  expect(of('ffmpeg')).toMatchObject([{ ok: true }]);
  expect(of('model').map(({ detail }) => detail)).toContain('tinysr-nano, x4');
  expect(of('device').find(({ detail }) => detail.startsWith('cpu'))).toMatchObject({ ok: true });
  expect(of('relay')).toMatchObject([{ ok: true, detail: expect.stringContaining('mediasoup') }]);
  expect(code).toBe(0);
});

it('doctor says what to do when ffmpeg is missing', async () => {
  const { code, stdout } = await runCli(['doctor'], { env: { TINYSR_FFMPEG: '/nowhere/ffmpeg' } });
  expect(stdout.toString()).toMatch(/MISSING {2}ffmpeg[\s\S]*What to do:[\s\S]*apt-get install ffmpeg/);
  expect(code).toBe(6);
});

it('doctor ends with the code of what is missing', async () => {
  const old = await folder.made('old-ffmpeg', (path) =>
    writeFile(path, '#!/bin/sh\necho "ffmpeg version 4.4.2 Copyright" >&2\n', { mode: 0o755 }),
  );
  const { code, stdout, stderr } = await runCli(['doctor'], { env: { TINYSR_FFMPEG: old } });
  expect(stdout.toString()).toMatch(/MISSING {2}ffmpeg +\S+ is version 4\.4\.2; 5\.1 or newer is needed/);
  expect([code, stderr]).toEqual([6, expect.stringMatching(/^tinysr-video: TSR_FFMPEG_TOO_OLD: /)]);
});

describe('doctor of a damaged installation', () => {
  const DEVICE = /device +cpu, right result/;

  /** The command with models of its own: the default one, another one, and the manifest of all. */
  const installation = (name: string) => {
    const home = folder.file(name);
    for (const part of ['dist', 'package.json', 'models/manifest.json', 'models/adapters']) {
      cpSync(join(ROOT, part), join(home, part), { recursive: true });
    }
    const models = readdirSync(join(ROOT, 'models'), { recursive: true, encoding: 'utf8' });
    for (const file of models.filter((name) => /(^|[\\/])tinysr-nano\b.*\.(onnx|safetensors)$/.test(name))) {
      cpSync(join(ROOT, 'models', file), join(home, 'models', file));
    }
    symlinkSync(join(ROOT, 'node_modules'), join(home, 'node_modules'));
    return home;
  };
  const doctor = (home: string) =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
      const child = execFile(process.execPath, [join(home, 'dist/cli/main.js'), 'doctor'], (_error, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr }),
      );
    });

  it('names the model, and tries devices with another one', async () => {
    const home = installation('damaged-model');
    writeFileSync(join(home, 'models/tinysr-nano-rgb24.onnx'), 'x');
    const { code, stdout, stderr } = await doctor(home);
    expect(stdout).toMatch(/MISSING +model +tinysr-nano-rgb24\.onnx: not the file that was published/);
    expect(stdout).toMatch(/ok +ffmpeg/);
    expect(stdout).toMatch(DEVICE);
    expect([code, stderr]).toEqual([5, expect.stringContaining('TSR_MODEL_CHECKSUM')]);
  });

  it('says that the list of models cannot be read, and what else there is', async () => {
    const home = installation('damaged-list');
    writeFileSync(join(home, 'models/manifest.json'), '{');
    const { code, stdout, stderr } = await doctor(home);
    expect(stdout).toMatch(/MISSING +model +models\/manifest\.json of this installation cannot be read/);
    expect(stdout).toMatch(/ok +ffmpeg/);
    expect(stdout).toMatch(/- +device +not tried without a model/);
    expect([code, stderr]).toEqual([70, expect.stringContaining('Install tinysr-video again')]);
  });
});

it('models lists what ships', async () => {
  const { code, stdout } = await runCli(['models']);
  expect(stdout.toString()).toMatch(/tinysr-nano +x4 +\d+ +\d+ .*Apache-2\.0/);
  const json = JSON.parse((await runCli(['models', '--json'])).stdout.toString()) as { name: string }[];
  expect([code, json.map(({ name }) => name)]).toMatchObject([0, expect.arrayContaining(['tinysr-nano'])]);
});

it('knows which Node.js is recent enough', async () => {
  const { nodeIsRecentEnough } = await import('#src/shared/node-version.js');
  const versions = ['18.20.0', '20.18.9', '20.19.0', '22.0.0', '24.1.0'];
  expect(versions.map(nodeIsRecentEnough)).toEqual([false, false, true, true, true]);
});
