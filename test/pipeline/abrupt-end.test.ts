import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { ffmpeg } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { processesNaming } from '../support/processes.js';

const folder = testFolder();
const clip = () =>
  folder.made('clip.mp4', (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-frames:v', '400'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', path],
    ),
  );

it.each([
  // The runtime aborts the process when its thread is ended amid a run: how it ends is not looked at.
  ['process.exit', 'process.exit()'],
  ['an error that nobody catches', 'setImmediate(() => { throw new Error("mine") })'],
  ['a rejection that nobody handles', 'void Promise.reject(new Error("mine"))'],
])('a program that uses the library and ends by %s leaves no temporary and no ffmpeg', async (_, end) => {
  const target = folder.empty();
  const script = folder.file('program.mjs');
  const index = new URL('../../dist/index.js', import.meta.url);
  await writeFile(
    script,
    `import { upscaleVideo } from '${index}';
     import { readdirSync } from 'node:fs';
     const [input, output, target] = process.argv.slice(2);
     let told = false;
     upscaleVideo({ input, output, device: 'cpu' }).subscribe((event) => {
       // At work for sure: the temporary is there.
       if (told || event.type !== 'progress' || readdirSync(target).length === 0) return;
       told = true;
       console.log('at work');
       ${end};
     });`,
  );
  const args = [script, await clip(), join(target, 'out.mp4'), target];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stdout).toBe('at work\n');
  expect(namesIn(target)).toEqual([]);
  // A process that is killed takes a moment to go.
  await vi.waitFor(() => expect(processesNaming(target)).toEqual([]), { timeout: 60_000, interval: 50 });
});
