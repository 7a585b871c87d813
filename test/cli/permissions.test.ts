import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI } from '../support/cli.js';
import { ffmpeg, frameTimes } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { enlarger } from '../support/onnx.js';

const folder = testFolder();
const locked: string[] = [];

/** Takes rights of a file or folder until the tests are done. */
function lock(path: string, mode: number): string {
  chmodSync(path, mode);
  locked.push(path);
  return path;
}
afterAll(() => {
  for (const path of locked) chmodSync(path, 0o700);
});

/** Root passes every lock by two capabilities; without them it is a user like others, who still owns the checkout. */
const asUser =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all'] : [];

function run(args: readonly string[], options: { readonly input?: Buffer; readonly env?: NodeJS.ProcessEnv } = {}) {
  const [program = '', ...rest] = [...asUser, process.execPath, CLI, '--device', 'cpu', '--quiet', ...args];
  const env = { ...process.env, ...options.env };
  const { status, stderr } = spawnSync(program, rest, { encoding: 'utf8', input: options.input ?? '', env });
  return { status, stderr: stderr.trim() };
}

let clip = '';
beforeAll(async () => {
  clip = folder.file('clip.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=32x32:r=10', '-frames:v', '2', '-c:v', 'libx264', clip);
});

/** A copy of the clip of its own. */
function copy(place = folder.empty()): string {
  copyFileSync(clip, join(place, 'in.mp4'));
  return join(place, 'in.mp4');
}

it('locks hold for the user that the tests run as', () => {
  const secret = lock(copy(), 0o000);
  const [program = '', ...rest] = [...asUser, 'cat', secret];
  expect(spawnSync(program, rest, { encoding: 'utf8' }).stderr).toMatch(/Permission denied/);
});

describe('what may not be read', () => {
  const CASES: readonly (readonly [string, () => readonly string[], string, number, RegExp])[] = [
    [
      'a video',
      () => [lock(copy(), 0o000), folder.file('a.mp4')],
      'TSR_INPUT_UNREADABLE',
      3,
      /in\.mp4: no permission to read/,
    ],
    [
      'a video in a folder that may not be entered',
      () => {
        const place = folder.empty();
        const video = copy(place);
        lock(place, 0o000);
        return [video, folder.file('b.mp4')];
      },
      'TSR_INPUT_UNREADABLE',
      3,
      /in\.mp4: no permission/,
    ],
    [
      'a folder of videos',
      () => [lock(folder.empty(), 0o300), '--out-dir', folder.file('batch')],
      'TSR_INPUT_UNREADABLE',
      3,
      /folder cannot be read/,
    ],
    [
      'a model',
      () => {
        const model = folder.file('model.onnx');
        writeFileSync(model, enlarger({ scale: 2 }));
        return [clip, folder.file('c.mp4'), '--model', lock(model, 0o000)];
      },
      'TSR_MODEL_INVALID',
      5,
      /model\.onnx: .*no permission to read/,
    ],
  ];

  it.each(CASES)('%s is told in one line', (_, args, code, status, words) => {
    const result = run(args());
    expect(result.stderr).toMatch(new RegExp(`^tinysr-video: ${code}: [^\n]*$`));
    expect(result.stderr).toMatch(words);
    expect(result.status).toBe(status);
  });
});

describe('where nothing may be written', () => {
  it.each([
    ['a folder that is', '', 0o500, /no permission to write in its folder/],
    ['a folder below one that is', 'inner', 0o000, /no permission to enter its folder/],
  ])('%s locked is told before any work', (_, below, mode, words) => {
    const place = folder.empty();
    const target = join(place, below);
    mkdirSync(target, { recursive: true });
    const result = run([clip, join(lock(place, mode) && target, 'out.mp4')]);
    expect(result.stderr).toMatch(/^tinysr-video: TSR_OUTPUT_UNWRITABLE: [^\n]*$/);
    expect(result.stderr).toMatch(words);
    expect(result.status).toBe(4);
    chmodSync(place, 0o700);
    expect(namesIn(target)).toEqual([]);
  });

  it('an --out-dir that cannot be made is told', () => {
    const result = run([clip, '--out-dir', join(lock(folder.empty(), 0o500), 'new')]);
    expect([result.status, result.stderr]).toEqual([4, expect.stringMatching(/TSR_OUTPUT_UNWRITABLE: .*new: /)]);
  });

  it.each([
    ['locked', 0o500],
    ['missing', undefined],
  ])('a %s TMPDIR hinders what needs one, and nothing else', async (_, mode) => {
    const place = folder.empty();
    const env = { TMPDIR: mode === undefined ? join(place, 'nowhere') : lock(place, mode) };
    const target = folder.empty();
    const spooled = run(['-', join(target, 'spooled.mp4')], { input: readFileSync(clip), env });
    expect(spooled.stderr).toMatch(/^tinysr-video: TSR_OUTPUT_UNWRITABLE: .*temporary folder.*TMPDIR[^\n]*$/);
    expect([spooled.status, namesIn(target)]).toEqual([4, []]);
    expect(run([clip, join(target, 'out.mkv')], { env })).toEqual({ status: 0, stderr: '' });
    expect(await frameTimes(join(target, 'out.mkv'))).toHaveLength(2);
  });

  it('a write-protected output in an open folder is replaced with --overwrite', () => {
    const target = folder.empty();
    const output = join(target, 'out.mp4');
    writeFileSync(output, 'old');
    chmodSync(output, 0o444);
    expect(run([clip, output, '--overwrite'])).toEqual({ status: 0, stderr: '' });
    expect([namesIn(target), statSync(output).size > 3]).toEqual([['out.mp4'], true]);
  });
});
