import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CLI } from '../support/cli.js';
import { ffmpeg, frameTimes } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';

const folder = testFolder();
const clip = (frames: number) =>
  folder.made(`clip-${frames}.mp4`, (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-frames:v', String(frames)],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', path],
    ),
  );

/**
 * Runs a line of bash on a terminal of its own; `$node` is the command, `$shown` a file of what the terminal was sent
 * so far.
 */
function onTerminal(line: string): { readonly text: string; readonly code: number | null } {
  const shown = join(folder.empty(), 'shown');
  const command = `shown=${shown}; node="${process.execPath} ${CLI} --device cpu"; ${line}`;
  const args = ['--quiet', '--flush', '--return', '--command', command, shown];
  const env = { ...process.env, SHELL: '/bin/bash' };
  const { stdout, status } = spawnSync('script', args, { encoding: 'utf8', env, input: '' });
  return { text: stdout, code: status };
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

it('a bar shows share, frames, speed, time to go and the slowest stage, and the cursor comes back', async () => {
  const output = folder.file('bar.mp4');
  const { text, code } = onTerminal(`$node ${await clip(60)} ${output}`);
  expect(code).toBe(0);
  expect(text).toMatch(/160x120 -> 640x480, tinysr-nano on cpu \((?:int8|fp32)\), libx264/);
  expect(text).toMatch(/=+-* \d+% \d+ frames, [\d.]+ fps, [\d.]+x, .* to go, slowest: (decode|infer|encode)/);
  expect(text).toMatch(/100% 60 frames/);
  expect(text).toMatch(/bar\.mp4: 60 frames in .* real time/);
  expect(text.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(text.lastIndexOf(HIDE_CURSOR));
  expect(await frameTimes(output)).toHaveLength(60);
});

it('a bar of its own shows how far pieces are joined', async () => {
  const { text, code } = onTerminal(`$node ${await clip(60)} ${folder.file('joined.mp4')} --resume`);
  expect(code).toBe(0);
  expect(text).toMatch(/joining the pieces -+ 0%[\s\S]*joining the pieces =+ 100%[\s\S]*joined\.mp4: 60 frames in/);
  expect(text.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(text.lastIndexOf(HIDE_CURSOR));
});

it.each(['INT', 'INT TERM'])('signals (%s) leave the terminal with its cursor, and no file', async (signals) => {
  const target = folder.empty();
  const kills = signals.split(' ').map((signal) => `kill -${signal} $pid`);
  const wait = 'while ! grep -q "frames, [0-9]" $shown; do sleep 0.1; done';
  const { text } = onTerminal(
    `$node ${await clip(2000)} ${join(target, 'x.mp4')} & pid=$!; ${wait}; ${kills.join('; ')}; wait $pid`,
  );
  expect(text).toContain('stopping; press Ctrl-C again to stop at once');
  expect(text).toContain(HIDE_CURSOR);
  expect(text.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(text.lastIndexOf(HIDE_CURSOR));
  expect(namesIn(target)).toEqual([]);
});

it('a video is neither read from a terminal nor written to one', async () => {
  const reading = onTerminal(`$node - ${folder.file('never.mp4')}`);
  expect([reading.code, reading.text]).toEqual([2, expect.stringMatching(/TSR_USAGE: .*come from the terminal/)]);
  const writing = onTerminal(`$node ${await clip(60)} -`);
  expect([writing.code, writing.text]).toEqual([2, expect.stringMatching(/TSR_USAGE: .*go to the terminal/)]);
});
