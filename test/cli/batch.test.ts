import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLI, runCli } from '../support/cli.js';
import { ffmpeg, frameTimes } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';

const folder = testFolder();
const clip = () =>
  folder.made('clip.mp4', (path) =>
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=48x32:r=5:d=0.6', '-pix_fmt', 'yuv420p', '-c:v', 'libx264', path),
  );

/** A folder with two videos, one file that is none, and things to leave alone. */
async function tapes(): Promise<string> {
  const path = folder.empty();
  copyFileSync(await clip(), join(path, 'one.mp4'));
  await ffmpeg('-i', await clip(), '-c:v', 'mjpeg', join(path, 'two.avi'));
  writeFileSync(join(path, 'broken.mp4'), 'not a video');
  writeFileSync(join(path, 'notes.txt'), 'hello');
  mkdirSync(join(path, 'sub'));
  return path;
}

describe('--out-dir', () => {
  it('upscales every video of a folder, goes on after a failure and says so at the end', async () => {
    const [from, to] = [await tapes(), join(folder.empty(), 'new')];
    const { code, stderr } = await runCli([from, '--out-dir', to]);
    expect(namesIn(to)).toEqual(['one.mp4', 'two.mkv']);
    expect(await frameTimes(join(to, 'two.mkv'))).toHaveLength(3);
    expect(stderr).toContain('TSR_INPUT_INVALID');
    expect(stderr).toContain('2 written, 0 skipped, 1 failed');
    expect([code, stderr.trim().split('\n').at(-1)]).toMatchObject([1, expect.stringContaining('TSR_BATCH_PARTIAL')]);
  });

  it('takes names that are no UTF-8, as old disks have them', async () => {
    const [from, to, temporary] = [folder.empty(), folder.empty(), folder.empty()];
    const at = (name: string) => Buffer.concat([Buffer.from(`${from}/`), Buffer.from(name, 'latin1')]);
    copyFileSync(await clip(), at('Übung.mp4'));
    copyFileSync(await clip(), join(from, 'Grün.mp4'));
    writeFileSync(at('käse.mp4'), 'not a video');
    writeFileSync(at('Größe.txt'), 'hello');
    const { code, stdout, stderr } = await runCli([from, '--out-dir', to, '--json'], { env: { TMPDIR: temporary } });
    expect(namesIn(to)).toEqual(['Grün.mp4', 'Übung.mp4']);
    expect(await frameTimes(join(to, 'Übung.mp4'))).toHaveLength(3);
    const events = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ type: 'passed-over', files: 1, extensions: ['.txt'] });
    expect(events[1]).toMatchObject({
      type: 'warning',
      message: expect.stringContaining('these 2 names are no UTF-8'),
    });
    expect(events.filter(({ type }) => type === 'start').map(({ input }) => input)).toContain(join(from, 'Übung.mp4'));
    expect(events.at(-2)).toMatchObject({ type: 'summary', written: 2, failed: [join(from, 'käse.mp4')] });
    expect(stderr).toContain(`TSR_INPUT_INVALID: ${join(from, 'käse.mp4')}: not a readable video`);
    expect([code, namesIn(temporary)]).toEqual([1, []]);
    // With those that are there already left out, too.
    const again = await runCli([from, '--out-dir', to, '--skip-existing'], { env: { TMPDIR: temporary } });
    expect(again.stderr).toContain(`${join(from, 'Übung.mp4')}: skipped`);
    expect(namesIn(temporary)).toEqual([]);
  });

  it('writes into a folder whose own name is no UTF-8, when it is run there', async () => {
    const parent = folder.empty();
    const old = Buffer.concat([Buffer.from(`${parent}/`), Buffer.from('Übung', 'latin1')]);
    mkdirSync(old);
    copyFileSync(await clip(), Buffer.concat([old, Buffer.from('/clip.mp4')]));
    // No name that Node could give to a program leads there.
    const there = 'cd "$1"/*; shift; "$@"';
    const run = (...args: string[]) =>
      spawnSync('bash', ['-c', there, 'bash', parent, process.execPath, CLI, '--device', 'cpu', ...args]).status;
    expect([run('clip.mp4', 'out.mp4'), run('clip.mp4', 'resumed.mp4', '--resume')]).toEqual([0, 0]);
    expect(run('.', '--out-dir', 'more')).toBe(0);
    expect(readdirSync(old).sort()).toEqual(['clip.mp4', 'more', 'out.mp4', 'resumed.mp4']);
  });

  it('says that the folder it is run in is gone', async () => {
    const there = 'cd "$1"; rmdir "$1"; shift; "$@"';
    const args = ['bash', folder.empty(), process.execPath, CLI, await clip(), 'out.mp4'];
    const { status, stderr } = spawnSync('bash', ['-c', there, ...args], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([2, expect.stringContaining('TSR_USAGE: the folder that this is run in is gone')]);
  });

  it('knows old footage by its names, and tells what it passes over', async () => {
    const from = folder.empty();
    const raw = readFileSync(
      await folder.made('old.mpg', async (path) => ffmpeg('-i', await clip(), '-r', '25', '-c:v', 'mpeg2video', path)),
    );
    const old = '.dv .mod .vro .divx .m2v .m1v .mpv .tod .rm .rmvb .ogm .qt .f4v .apng .mjpeg .m2p .dat'.split(' ');
    for (const [number, extension] of old.entries()) writeFileSync(join(from, `tape${number}${extension}`), raw);
    writeFileSync(join(from, 'settings.dat'), 'not a video');
    writeFileSync(join(from, 'song.mod'), 'not a video');
    writeFileSync(join(from, 'notes.txt'), 'hello');
    mkdirSync(join(from, 'sub.avi'));
    // That every output is there already saves upscaling them.
    const to = folder.empty();
    for (const number of old.keys()) writeFileSync(join(to, `tape${number}.mkv`), '');
    const { code, stdout } = await runCli([from, '--out-dir', to, '--skip-existing', '--json']);
    const events = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events).toEqual([
      { type: 'passed-over', folder: from, files: 3, extensions: ['.dat', '.mod', '.txt'] },
      { type: 'summary', written: 0, skipped: old.length, failed: [] },
    ]);
    expect(code).toBe(0);
    const { stderr } = await runCli([from, '--out-dir', to, '--skip-existing']);
    expect(stderr).toContain('3 files passed over, not named as videos are (.dat .mod .txt)');
  });

  it('goes on where it stopped with --skip-existing', async () => {
    const [from, to] = [await tapes(), folder.empty()];
    await runCli([join(from, 'one.mp4'), '--out-dir', to]);
    const before = statSync(join(to, 'one.mp4')).mtimeMs;
    const { code, stdout } = await runCli([
      ...[join(from, 'one.mp4'), join(from, 'two.avi'), '--ext', 'mp4'],
      ...['--out-dir', to, '--skip-existing', '--json'],
    ]);
    const summary = JSON.parse(stdout.toString().trim().split('\n').at(-1) ?? '');
    expect([code, summary]).toEqual([0, { type: 'summary', written: 1, skipped: 1, failed: [] }]);
    expect(statSync(join(to, 'one.mp4')).mtimeMs).toBe(before);
  });

  it('refuses two inputs that would get one name, before anything is written', async () => {
    const [a, b, to] = [folder.empty(), folder.empty(), folder.empty()];
    copyFileSync(await clip(), join(a, 'same.mp4'));
    copyFileSync(await clip(), join(b, 'SAME.mp4'));
    const { code, stderr } = await runCli([a, b, '--out-dir', to]);
    expect([code, namesIn(to)]).toEqual([4, []]);
    expect(stderr).toContain('TSR_OUTPUT_CLASH');
  });

  it('goes on in its own folder with --skip-existing, and never writes over what stands there', async () => {
    const from = folder.empty();
    for (const name of ['a.avi', 'b.avi']) await ffmpeg('-i', await clip(), '-c:v', 'mjpeg', join(from, name));
    expect((await runCli([join(from, 'a.avi'), '--out-dir', from])).code).toBe(0);
    const before = readFileSync(join(from, 'a.mkv'));
    const { code, stderr } = await runCli([from, '--out-dir', from, '--skip-existing']);
    expect([code, namesIn(from)]).toEqual([0, ['a.avi', 'a.mkv', 'b.avi', 'b.mkv']]);
    expect(stderr).toContain('1 written, 1 skipped, 0 failed');
    const over = await runCli([from, '--out-dir', from, '--overwrite']);
    expect([over.code, over.stderr]).toEqual([4, expect.stringContaining('TSR_OUTPUT_CLASH')]);
    expect(readFileSync(join(from, 'a.mkv'))).toEqual(before);
  });

  it('does not take an input for its own finished output', async () => {
    const from = folder.empty();
    copyFileSync(await clip(), join(from, 'a.mp4'));
    const { code, stderr } = await runCli([from, '--out-dir', from, '--skip-existing']);
    expect(code).toBe(1);
    expect(stderr).toContain('TSR_OUTPUT_SAME_AS_INPUT');
  });

  it('refuses an extension that no video can have, once and before there is a folder', async () => {
    const to = join(folder.empty(), 'new');
    const { code, stderr } = await runCli([await tapes(), '--out-dir', to, '--ext', 'avi']);
    expect([code, existsSync(to)]).toEqual([4, false]);
    expect(stderr.match(/TSR_OUTPUT_FORMAT/g)).toHaveLength(1);
  });

  it('never writes over an input', async () => {
    const from = folder.empty();
    copyFileSync(await clip(), join(from, 'a.mp4'));
    const { code } = await runCli([join(from, 'a.mp4'), '--out-dir', from, '--overwrite']);
    expect([code, readFileSync(join(from, 'a.mp4'))]).toEqual([1, readFileSync(await clip())]);
  });

  it('upscales the pictures of a folder without videos, and passes them over beside videos', async () => {
    const [from, to] = [folder.empty(), folder.empty()];
    const draw = (name: string) => ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=32x32', '-frames:v', '1', join(from, name));
    for (const name of ['a.jpg', 'b.png', 'c.bmp']) await draw(name);
    const first = await runCli([from, '--out-dir', to]);
    expect([first.code, namesIn(to)]).toEqual([0, ['a.jpg', 'b.png', 'c.png']]);
    copyFileSync(await clip(), join(from, 'd.mp4'));
    const second = await runCli([from, '--out-dir', to, '--json']);
    const [told, ...rest] = second.stdout.toString().trim().split('\n');
    expect(JSON.parse(told ?? '')).toMatchObject({
      type: 'passed-over',
      files: 3,
      extensions: ['.bmp', '.jpg', '.png'],
    });
    expect(JSON.parse(rest.at(-1) ?? '')).toMatchObject({ type: 'summary', written: 1, failed: [] });
    expect(namesIn(to)).toContain('d.mp4');
  });

  it('takes numbered pictures by their pattern, once', async () => {
    const [from, to] = [join(folder.empty(), 'shot'), folder.empty()];
    mkdirSync(from);
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=32x32', '-frames:v', '3', join(from, '%03d.png'));
    const pattern = join(from, '%03d.png');
    expect((await runCli([pattern, '--out-dir', to])).code).toBe(0);
    expect(namesIn(to)).toEqual(['001.png', '002.png', '003.png']);
    expect((await runCli([pattern, '--out-dir', to, '--skip-existing'])).stderr).toContain('0 written, 1 skipped');
    expect((await runCli([pattern, '--out-dir', to, '--ext', 'mkv', '--fps', '12'])).code).toBe(0);
    expect(await frameTimes(join(to, 'shot.mkv'))).toHaveLength(3);
  });

  it('says when there is nothing to do', async () => {
    const to = join(folder.empty(), 'out');
    const { code, stderr } = await runCli([folder.empty(), '--out-dir', to]);
    expect([code, existsSync(to)]).toEqual([2, false]);
    expect(stderr).toContain('no video among the inputs');
  });
});
