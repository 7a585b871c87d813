import { symlinkSync } from 'node:fs';

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { runCli, startCli } from '../support/cli.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';

const folder = testFolder();
const FRAMES = 500;
/** Long enough that it cannot be done before a signal comes, made of few bytes. */
const long = () =>
  folder.made('long.mp4', (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', numbered(160, 120), '-frames:v', String(FRAMES)],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', path],
    ),
  );
const OPTIONS = ['--resume', '--preset', 'ultrafast', '--device', 'cpu'];

/** Starts a command with `--json` and stops it as Ctrl-C does when its video has some frames. */
async function stopped(command: readonly string[], output: string) {
  const run = startCli([...command, '--json']);
  let [started, stopping] = [false, false];
  for await (const line of createInterface(run.child.stdout as Readable)) {
    const event = JSON.parse(line);
    if (event.type === 'start') started = event.output === output;
    if (!started || stopping || event.type !== 'progress' || event.frames < 20) continue;
    stopping = true;
    run.child.kill('SIGINT');
  }
  return run.result;
}

it('after Ctrl-C says how far it came and keeps it, and the same command goes on from there', async () => {
  const out = folder.empty();
  const output = join(out, 'x.mp4');
  const command = [await long(), output, ...OPTIONS];
  const { code, stderr } = await stopped(command, output);
  expect(code).toBe(130);
  const frames = Number(/stopped after frame (\d+) of 500; the same command goes on from there/.exec(stderr)?.[1]);
  expect(frames).toBeGreaterThanOrEqual(20);
  expect(namesIn(out)).toEqual(['.x.mp4.tinysr-resume']);
  expect(namesIn(join(out, '.x.mp4.tinysr-resume'))).toEqual(['000000.seg', 'manifest.json']);
  const next = await runCli([...command, '--json']);
  const events = next.stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events[0]).toMatchObject({ type: 'start', resumedFrom: frames });
  expect(events.at(-1)).toMatchObject({ type: 'done', frames: FRAMES, resumedFrom: frames });
  const joining = events.filter(({ type }) => type === 'joining');
  expect(joining[0]).toMatchObject({ bytes: 0, etaSeconds: null });
  expect(joining.at(-1)).toMatchObject({ bytes: joining[0].totalBytes, etaSeconds: 0 });
  expect([next.code, namesIn(out)]).toEqual([0, ['x.mp4']]);
  expect(await numbersIn(output)).toEqual(counting(FRAMES).map((number) => number % 256));
});

it('goes on in a batch, whose finished videos are skipped', async () => {
  const [from, out] = [folder.empty(), folder.empty()];
  for (const name of ['a.mp4', 'b.mp4']) symlinkSync(await long(), join(from, name));
  const command = [from, '--out-dir', out, '--skip-existing', '--frames', '200', ...OPTIONS];
  expect((await stopped(command, join(out, 'b.mp4'))).code).toBe(130);
  expect(namesIn(out)).toEqual(['.b.mp4.tinysr-resume', 'a.mp4']);
  const { code, stderr } = await runCli(command);
  expect(code).toBe(0);
  expect(stderr).toContain('a.mp4: skipped');
  expect(stderr).toMatch(/b\.mp4: .*; goes on after frame \d+\n/);
  expect(stderr).toMatch(/b\.mp4: 200 frames, \d+ of them now, in /);
  expect(namesIn(out)).toEqual(['a.mp4', 'b.mp4']);
  expect(await numbersIn(join(out, 'b.mp4'))).toEqual(counting(200));
});

it.each([
  [['in.mp4', 'x.png', '--preview', '3', '--resume'], '--preview is one frame, which is not resumed'],
  [['-', 'x.mp4', '--resume'], 'a video from stdin cannot be resumed'],
  [['in.mp4', '-', '--resume'], 'a video to stdout cannot be resumed'],
])('%j is refused', async (args, message) => {
  const { code, stderr } = await runCli(args, { cwd: folder.path });
  expect([code, stderr]).toMatchObject([2, expect.stringContaining(`TSR_USAGE: ${message}`)]);
});
