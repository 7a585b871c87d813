import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runCli } from '../support/cli.js';

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
