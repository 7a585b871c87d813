import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLI } from '../support/cli.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { cameraExif, intoPng } from '../support/metadata.js';
import { onSmallDisk, SMALL_DISK, type SmallDiskResult } from '../support/small-disk.js';

const folder = testFolder();
/** Noise, so that 2 MB are full after a few frames of many. */
const clip = () =>
  folder.made('noise.mkv', (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'nullsrc=s=128x96:r=25,geq=random(1)*255:128:128', '-frames:v', '120'],
      ...['-c:v', 'ffv1', '-pix_fmt', 'yuv420p', path],
    ),
  );
const command = [process.execPath, CLI];
const OPTIONS = ['--device', 'cpu', '--threads', '1', '--quiet', '--preset', 'ultrafast', '--crf', '1'];

function expectFullDisk({ code, stderr, left, processes }: SmallDiskResult): void {
  expect(stderr.trim()).toMatch(/^tinysr-video: TSR_OUTPUT_DISK_FULL: .*\. \S.*$/);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(4);
  expect(left).toEqual([]);
  expect(processes).toEqual([]);
}

describe(`a disk that fills after 2 MB (${SMALL_DISK})`, () => {
  it.each(['mp4', 'mkv', 'mov', 'ts'])('ends a run to .%s in one line, and nothing is left', async (extension) => {
    const disk = folder.empty();
    const result = await onSmallDisk(disk, [...command, await clip(), join(disk, `out.${extension}`), ...OPTIONS]);
    expectFullDisk(result);
    expect(result.stderr).toContain(`out.${extension}`);
  });

  it('keeps nothing of a piece that was not finished, with --resume', async () => {
    const disk = folder.empty();
    expectFullDisk(await onSmallDisk(disk, [...command, await clip(), join(disk, 'out.mkv'), ...OPTIONS, '--resume']));
  });

  // A limit on the size of files leaves room for small ones.
  it.skipIf(SMALL_DISK.startsWith('limit'))('that is full already is left as it was, with --resume', async () => {
    const disk = folder.empty();
    const shell =
      'dd if=/dev/zero of="$disk/full" bs=4k status=none 2>&-; "$@"; code=$?; rm "$disk/full"; (exit $code)';
    const run = [...command, await clip(), join(disk, 'out.mkv'), ...OPTIONS, '--resume'];
    expectFullDisk(await onSmallDisk(disk, run, shell));
  });

  it('behind stdout ends a run the same way', async () => {
    const disk = folder.empty();
    // The shell's own file stays, as it is none of ours.
    const shell = '"$@" > "$disk/out.mkv"; code=$?; rm "$disk/out.mkv"; (exit $code)';
    expectFullDisk(await onSmallDisk(disk, [...command, await clip(), '-', ...OPTIONS], shell));
  });

  it('as TMPDIR ends a run whose video comes by stdin, and the output is not begun', async () => {
    const raw = await folder.made('raw.nut', async (path) => ffmpeg('-i', await clip(), '-c:v', 'rawvideo', path));
    const [disk, target] = [folder.empty(), folder.empty()];
    const args = [...command, '-', join(target, 'out.mp4'), ...OPTIONS];
    const result = await onSmallDisk(disk, args, `"$@" < ${raw}`, { TMPDIR: disk });
    expectFullDisk(result);
    expect(result.stderr).toMatch(/video from stdin.*TMPDIR/);
    expect(namesIn(target)).toEqual([]);
  });

  it('ends a picture that it has room for, but not for its Exif', async () => {
    const picture = await folder.made('noise.png', (path) =>
      ffmpeg(
        '-f',
        'lavfi',
        '-i',
        'nullsrc=s=300x220,geq=random(1)*255:128:128',
        '-frames:v',
        '1',
        '-update',
        '1',
        path,
      ),
    );
    const [tagged, place] = [folder.file('tagged.png'), folder.empty()];
    const exif = Buffer.concat([cameraExif('MM', { turn: 1, size: [300, 220] }), Buffer.alloc(1_000_000)]);
    intoPng(picture, tagged, 'eXIf', exif);
    const [disk, small] = [join(place, 'full'), join(place, 'enough')];
    const options = ['--device', 'cpu', '--threads', '1', '--quiet'];
    expectFullDisk(await onSmallDisk(disk, [...command, tagged, join(disk, 'out.png'), ...options]));
    const plain = await onSmallDisk(small, [...command, picture, join(small, 'out.png'), ...options]);
    expect(plain).toEqual({ code: 0, stderr: '', left: ['out.png'], processes: [] });
  });

  it('has room for a short video, which is written', async () => {
    const disk = folder.empty();
    const options = ['--device', 'cpu', '--threads', '1', '--quiet', '--frames', '2', '--crf', '30'];
    const result = await onSmallDisk(disk, [...command, await clip(), join(disk, 'out.mp4'), ...options]);
    expect(result).toEqual({ code: 0, stderr: '', left: ['out.mp4'], processes: [] });
  });
});
