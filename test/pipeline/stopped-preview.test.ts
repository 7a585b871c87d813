import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { previewFrame } from '#src/index.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { children } from '../support/processes.js';
import { errorOf } from '../support/upscale.js';

const folder = testFolder();
const clip = () =>
  folder.made('clip.mp4', (path) =>
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25', '-frames:v', '8', '-c:v', 'libx264', path),
  );

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Resolves at the next change in a folder. */
function changeIn(path: string): Promise<unknown> {
  const watcher: FSWatcher = watch(path);
  return once(watcher, 'change').finally(() => watcher.close());
}

/** A preview of the clip into a folder of its own, to be stopped. */
async function started() {
  const [target, abort] = [folder.empty(), new AbortController()];
  const input = await clip();
  const { signal } = abort;
  const run = () => errorOf(previewFrame({ input, output: join(target, 'x.png'), frame: 3, device: 'cpu', signal }));
  return { target, abort, run };
}

it('a preview stopped while its decoder is being opened leaves no process and no file', async () => {
  const { target, abort, run } = await started();
  // The decoder begins with a socket there.
  vi.stubEnv('TMPDIR', folder.empty());
  const opening = changeIn(process.env.TMPDIR ?? '');
  const stopped = run();
  await opening;
  abort.abort(new Error('mine'));
  expect(await stopped).toMatchObject({ code: 'TSR_INTERRUPTED', cause: abort.signal.reason });
  expect([children(), namesIn(target)]).toEqual([[], []]);
});

it('a preview stopped while its picture is written leaves no process and no file', async () => {
  const { target, abort, run } = await started();
  const signs = folder.empty();
  const wrapper = folder.file('ffmpeg.sh');
  // Writes the picture only once it may.
  await writeFile(
    wrapper,
    `#!/bin/sh
case "$*" in *image2pipe*)
  touch '${signs}/begun'
  while [ ! -e '${signs}/go' ]; do sleep 0.05; done;;
esac
exec ffmpeg "$@"
`,
  );
  await chmod(wrapper, 0o755);
  vi.stubEnv('TINYSR_FFMPEG', wrapper);
  const begun = changeIn(signs);
  const stopped = run();
  await begun;
  abort.abort();
  await writeFile(join(signs, 'go'), '');
  expect((await stopped).code).toBe('TSR_INTERRUPTED');
  expect([children(), namesIn(target)]).toEqual([[], []]);
});

it('a preview that was stopped before it began does nothing', async () => {
  const { target, abort, run } = await started();
  abort.abort();
  vi.stubEnv('TINYSR_FFMPEG', folder.file('none'));
  expect((await run()).code).toBe('TSR_INTERRUPTED');
  expect(namesIn(target)).toEqual([]);
});
