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
  ['process.exit', 'process.exit(3)', 3],
  ['an error that nobody catches', 'setImmediate(() => { throw new Error("mine") })', 1],
  ['a rejection that nobody handles', 'void Promise.reject(new Error("mine"))', 1],
])(
  'a program that uses the library and ends by %s leaves no temporary and no ffmpeg, and ends so',
  async (_, end, code) => {
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
    const { stdout, status, signal } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([stdout, status, signal]).toEqual(['at work\n', code, null]);
    expect(namesIn(target)).toEqual([]);
    // A process that is killed takes a moment to go.
    await vi.waitFor(() => expect(processesNaming(target)).toEqual([]), { timeout: 60_000, interval: 50 });
  },
);

const RUN = 'void (await opening).upscale(new ArrayBuffer(512 * 384 * 3), 1)';
it.each([
  // This one takes longest to open.
  { what: 'a session is being opened', model: 'tinysr-base', options: {}, work: '', delays: [150, 200, 250, 300] },
  { what: 'a frame runs', model: 'tinysr-nano', options: {}, work: RUN, delays: [5, 60] },
  { what: 'tiles of a frame run', model: 'tinysr-nano', options: { tile: 64 }, work: RUN, delays: [5, 60] },
])('a program that ends while $what ends by its own status', async ({ model, options, work, delays }) => {
  const script = folder.file('frames.mjs');
  const index = new URL('../../dist/index.js', import.meta.url);
  await writeFile(
    script,
    `import { createUpscaler, resolveModel } from '${index}';
     const model = await resolveModel('${model}');
     const size = { width: 512, height: 384 };
     const opening = createUpscaler({ model, device: 'cpu', format: 'rgb24', ...size, ...${JSON.stringify(options)} });
     ${work};
     setTimeout(() => process.exit(3), Number(process.argv[2]));`,
  );
  // From outside there is no telling when the thread is in the runtime: some milliseconds are tried.
  for (const ms of delays) {
    const { status, signal, stderr } = spawnSync(process.execPath, [script, String(ms)], { encoding: 'utf8' });
    expect([status, signal, stderr]).toEqual([3, null, '']);
  }
});
