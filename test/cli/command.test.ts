import { existsSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.js';
import { ffmpeg, frameTimes, probeFile, videoStream } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { profileFor, withProfile } from '../support/metadata.js';

const folder = testFolder();
const clip = () =>
  folder.made('clip.mp4', (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=10:d=1', '-f', 'lavfi', '-i', 'sine=d=1'],
      ...['-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-c:a', 'aac', path],
    ),
  );

describe('tinysr-video in out', () => {
  it('upscales a video and tells size, frames and speed on stderr only', async () => {
    const out = folder.file('plain.mp4');
    const { code, stdout, stderr } = await runCli([await clip(), out]);
    expect(stderr).toMatch(/64x48 -> 256x192, tinysr-nano on cpu \((?:int8|fp32)\), libx264/);
    expect(stderr).toMatch(/plain\.mp4: 10 frames in .* fps, .*x real time/);
    expect([code, stdout.length]).toEqual([0, 0]);
    expect(await videoStream(out)).toMatchObject({ width: 256, height: 192, codec_name: 'h264' });
    expect(await frameTimes(out)).toEqual(await frameTimes(await clip()));
  });

  it('says nothing with --quiet', async () => {
    const { code, stdout, stderr } = await runCli(['-q', await clip(), folder.file('quiet.mp4')]);
    expect([code, stdout.length, stderr]).toEqual([0, 0, '']);
  });

  it('prints events as JSON lines with --json', async () => {
    const { stdout } = await runCli(['--json', await clip(), folder.file('json.mkv')]);
    const events = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; frames?: number; totalFrames?: number });
    expect(events[0]).toMatchObject({ type: 'start', width: 256, height: 192, provider: 'cpu', totalFrames: 10 });
    expect(events.filter(({ type }) => type === 'progress').at(-1)).toMatchObject({ frames: 10, totalFrames: 10 });
    expect(events.at(-1)).toMatchObject({ type: 'done', frames: 10, damaged: 0 });
  });

  it('reads stdin and writes Matroska to stdout, with events on stderr', async () => {
    const input = await readFile(await clip());
    const { code, stdout, stderr } = await runCli(['--json', '-', '-'], { input });
    expect([code, JSON.parse(stderr.split('\n')[0] ?? '')]).toMatchObject([0, { type: 'start', input: '-' }]);
    const out = folder.file('stdout.mkv');
    writeFileSync(out, stdout);
    expect((await probeFile(out)).format.format_name).toContain('matroska');
    expect(await frameTimes(out)).toHaveLength(10);
  });

  it('writes fragmented mp4 to stdout', async () => {
    const { code, stdout } = await runCli(['-q', await clip(), '-', '--format', 'mp4']);
    const out = folder.file('stdout.mp4');
    writeFileSync(out, stdout);
    expect(code).toBe(0);
    expect(stdout.includes('moof')).toBe(true);
    expect(await frameTimes(out)).toHaveLength(10);
  });

  it('writes one frame as a PNG, before | after', async () => {
    const out = folder.file('look.png');
    const { code } = await runCli([await clip(), out, '--preview', '3', '--compare']);
    expect(code).toBe(0);
    expect(await videoStream(out)).toMatchObject({ codec_name: 'png', width: 256, height: 192 });
  });

  it('tells what a preview drops', async () => {
    const [plain, input, out] = [folder.file('grey.png'), folder.file('profiled.png'), folder.file('dropped.png')];
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48,format=gray', '-frames:v', '1', plain);
    withProfile(plain, input, profileFor('GRAY'), [64, 48]);
    const { stderr } = await runCli([input, out, '--preview', '0']);
    expect(stderr).toMatch(/^warning: the colour profile is dropped.*one for GRAY.*\n$/);
    const json = await runCli([input, out, '--preview', '0', '--json', '-y']);
    const events = json.stdout.toString().trim().split('\n');
    expect(events.map((line) => JSON.parse(line).type)).toEqual(['warning', 'preview']);
  });

  it('takes options from the environment, and the command line before it', async () => {
    const env = { TINYSR_CODEC: 'ffv1' };
    await runCli([await clip(), folder.file('env.mkv'), '--frames', '2'], { env });
    expect((await videoStream(folder.file('env.mkv'))).codec_name).toBe('ffv1');
    await runCli([await clip(), folder.file('env2.mkv'), '--frames', '2', '-c', 'h264'], { env });
    expect((await videoStream(folder.file('env2.mkv'))).codec_name).toBe('h264');
  });

  it('takes an empty variable, and a switch that is off, for none', async () => {
    const out = folder.file('empty.mp4');
    const env = { TINYSR_MODEL: '', TINYSR_CODEC: '', TINYSR_VERBOSE: '0' };
    const { code, stderr } = await runCli([await clip(), out, '--frames', '2'], { env });
    expect(code).toBe(0);
    expect(stderr).toContain('tinysr-nano');
    expect(stderr).not.toMatch(/ffmpeg .*-i /);
  });

  it.each([
    [['in.mp4', 'out.png', '--preview', '3', '--start', '1'], 'whole video'],
    [['in.mp4', 'out.mp4', '--skip-existing'], 'for batches'],
    [['in.mp4', 'out.mp4', '--ext', 'mkv'], 'for batches'],
    [['in.mp4', 'out.mp4', '--format', 'mp4'], 'for stdout'],
    [['in.mp4', 'out.mp4', '--deinterlace', 'off', '--field-order', 'top'], 'do not go together'],
    [['in.mp4', 'out.png', '--preview', '1', '--deinterlace', 'off', '--field-order', 'top'], 'do not go together'],
  ])('refuses options that would mean nothing: %j', async (args, words) => {
    const { code, stderr } = await runCli(args);
    expect(code).toBe(2);
    expect(stderr).toContain('TSR_USAGE');
    expect(stderr).toContain(words);
  });

  it('passes further arguments to the encoder', async () => {
    const out = folder.file('tagged.mkv');
    await runCli([await clip(), out, '--frames', '2', '--ffmpeg-arg=-metadata', '--ffmpeg-arg=title=A B']);
    expect((await probeFile(out)).format.tags?.title).toBe('A B');
  });
});

describe('errors', () => {
  const cases: readonly (readonly [string, () => string[], string, number])[] = [
    ['no arguments', () => [], 'TSR_USAGE', 2],
    ['one file', () => ['a.mp4'], 'TSR_USAGE', 2],
    ['three files', () => ['a.mp4', 'b.mp4', 'c.mp4'], 'TSR_USAGE', 2],
    ['an unknown option', () => ['--fast', 'a.mp4', 'b.mp4'], 'TSR_USAGE', 2],
    ['a wrong number', () => ['--frames', 'ten', 'a.mp4', 'b.mp4'], 'TSR_USAGE', 2],
    ['a wrong time', () => ['--start', '1:2:3:4', 'a.mp4', 'b.mp4'], 'TSR_USAGE', 2],
    ['an end before the start', () => ['--start', '5', '--end', '4', 'a.mp4', 'b.mp4'], 'TSR_USAGE', 2],
    ['a wrong choice', () => ['--device', 'gpu', 'a.mp4', 'b.mp4'], 'TSR_USAGE', 2],
    ['a wrong way to deinterlace', () => ['--deinterlace', 'yadif', 'a.mp4', 'b.mp4'], 'TSR_USAGE', 2],
    ['a wrong order of fields', () => ['--field-order', 'tff', 'a.mp4', 'b.mp4'], 'TSR_USAGE', 2],
    ['a missing input', () => ['none.mp4', folder.file('x.mp4')], 'TSR_INPUT_NOT_FOUND', 3],
    ['an address', () => ['http://127.0.0.1:1/a.mp4', folder.file('x.mp4')], 'TSR_INPUT_NOT_FOUND', 3],
    ['an unknown container', () => ['none.mp4', 'x.xyz'], 'TSR_OUTPUT_FORMAT', 4],
    ['a missing folder', () => ['none.mp4', folder.file('no/x.mp4')], 'TSR_OUTPUT_UNWRITABLE', 4],
  ];

  it.each(cases)('%s: one line with code and hint, and the exit status', async (_name, args, wanted, exit) => {
    const { code, stderr } = await runCli(args());
    const line = stderr.trim();
    expect(line).toMatch(new RegExp(`^tinysr-video: ${wanted}: \\S`));
    expect(line.split('\n')).toHaveLength(1);
    expect(code).toBe(exit);
  });

  it('supposes what was meant by a misspelt option', async () => {
    const { stderr } = await runCli(['bench', '--models', 'tinysr-nano']);
    expect(stderr).toContain("unknown option '--models' (Did you mean --model?)");
    expect(stderr).toContain('See tinysr-video bench --help.');
  });

  it('names a model that is not there, and those that ship', async () => {
    const { code, stderr } = await runCli([await clip(), folder.file('m.mp4'), '--model', 'giant']);
    expect(stderr).toMatch(/TSR_MODEL_NOT_FOUND: giant: .*tinysr-nano/);
    expect([code, existsSync(folder.file('m.mp4'))]).toEqual([5, false]);
  });

  it('says what to install for a device that cannot be used', async () => {
    const { code, stderr } = await runCli([await clip(), folder.file('d.mp4'), '--device', 'coreml']);
    expect(stderr).toMatch(/TSR_DEVICE_UNAVAILABLE: .*macOS/);
    expect(code).toBe(5);
  });

  it('says what to install when ffmpeg is missing, and refuses an old one', async () => {
    const args = [await clip(), folder.file('f.mp4')];
    const missing = await runCli(args, { env: { TINYSR_FFMPEG: folder.file('no-ffmpeg') } });
    expect(missing.stderr).toMatch(/TSR_FFMPEG_MISSING: .*apt-get install ffmpeg/);
    const old = folder.file('old-ffmpeg');
    writeFileSync(old, '#!/bin/sh\necho "ffmpeg version 4.3.6 Copyright"\n', { mode: 0o755 });
    const refused = await runCli(args, { env: { TINYSR_FFMPEG: old } });
    expect(refused.stderr).toContain('TSR_FFMPEG_TOO_OLD');
    expect([missing.code, refused.code]).toEqual([6, 6]);
  });

  it('keeps an existing output without --overwrite', async () => {
    const out = folder.file('kept.mp4');
    writeFileSync(out, 'mine');
    const { code, stderr } = await runCli([await clip(), out]);
    expect([code, await readFile(out, 'utf8')]).toEqual([4, 'mine']);
    expect(stderr).toContain('--overwrite');
  });

  it('makes control characters of a name visible, on one line', async () => {
    const { stderr } = await runCli([folder.file('a\nb\u001b[31m.mp4'), folder.file('y.mp4')]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('a\\nb\\x1b[31m.mp4');
  });

  it('shows a stack only with --verbose, and errors as JSON with --json', async () => {
    const plain = await runCli(['none.mp4', folder.file('v.mp4')]);
    expect(plain.stderr).not.toMatch(/\n\s+at /);
    const verbose = await runCli(['-v', 'none.mp4', folder.file('v.mp4')]);
    expect(verbose.stderr).toMatch(/\n\s+at /);
    const json = await runCli(['--json', 'none.mp4', folder.file('v.mp4')]);
    expect(JSON.parse(json.stdout.toString())).toMatchObject({ code: 'TSR_INPUT_NOT_FOUND', exitCode: 3 });
  });

  it('leaves nothing behind', () => {
    expect(namesIn(folder.path).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});
