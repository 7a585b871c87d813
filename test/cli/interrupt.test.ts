import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { runCli, startCli } from '../support/cli.js';
import { ffmpeg, frameTimes } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';

const folder = testFolder();
/** Long enough that it cannot be done before a signal comes. */
const long = () =>
  folder.made('long.mp4', (path) =>
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25:d=60', '-c:v', 'libx264', '-preset', 'ultrafast', path),
  );

it.each(['SIGINT', 'SIGTERM'] as const)('%s ends a run with 130 and leaves nothing', async (signal) => {
  const out = folder.empty();
  const run = startCli([await long(), join(out, 'x.mp4')]);
  await run.stderrSays('tinysr-nano on cpu');
  run.child.kill(signal);
  const { code, stderr } = await run.result;
  expect(stderr).toContain('TSR_INTERRUPTED');
  expect([code, namesIn(out)]).toEqual([130, []]);
});

it('goes on when a terminal it does not use is closed, as under nohup', async () => {
  const run = startCli([await long(), join(folder.empty(), 'x.mp4'), '--frames', '20']);
  await run.stderrSays('tinysr-nano on cpu');
  run.child.kill('SIGHUP');
  const { code } = await run.result;
  expect(code).toBe(0);
});

it('ends at once on the second Ctrl-C', async () => {
  const run = startCli([await long(), join(folder.empty(), 'x.mp4')]);
  await run.stderrSays('tinysr-nano on cpu');
  run.child.kill('SIGINT');
  await run.stderrSays('again to stop at once');
  run.child.kill('SIGINT');
  const { code, signal } = await run.result;
  // The clean end may come first on a fast machine; both are what a shell calls 130.
  expect(code === 130 || signal === 'SIGINT').toBe(true);
});

it('ends a batch, not only its current video', async () => {
  const [from, to] = [folder.empty(), folder.empty()];
  for (const name of ['a.mp4', 'b.mp4']) copyFileSync(await long(), join(from, name));
  const run = startCli([from, '--out-dir', to]);
  await run.stderrSays('tinysr-nano on cpu');
  run.child.kill('SIGINT');
  const { code, stderr } = await run.result;
  expect([code, namesIn(to)]).toEqual([130, []]);
  expect(stderr).not.toContain('[2/2]');
});

it('recognises what a killed run left, and removes it', async () => {
  const out = folder.empty();
  const run = startCli([await long(), join(out, 'x.mp4')]);
  await run.stderrSays('tinysr-nano on cpu');
  while (namesIn(out).length === 0) await sleep(50);
  run.child.kill('SIGKILL');
  await run.result;
  expect(namesIn(out)).toMatchObject([expect.stringMatching(/^\.tinysr-.*\.part$/)]);
  const { code } = await runCli([await long(), join(out, 'x.mp4'), '--frames', '3']);
  expect([code, namesIn(out)]).toEqual([0, ['x.mp4']]);
  expect(await frameTimes(join(out, 'x.mp4'))).toHaveLength(3);
});
