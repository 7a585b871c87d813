import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it('set-up changes nothing when nothing is missing', async () => {
  const { stdout } = await run(process.execPath, ['scripts/setup.mjs', '--for', 'test'], { cwd: ROOT });
  expect(stdout).not.toMatch(/install/i);
});

it('the examples run', async () => {
  const { stdout } = await run(process.execPath, ['examples/upscale-frames.mjs'], { cwd: ROOT });
  expect(stdout.trim().split('\n')).toHaveLength(5);
  expect(stdout).toContain('frame 4: 256x192');
});
