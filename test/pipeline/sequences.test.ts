import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ffmpeg, frameTimes, videoStream } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { counting, decode, meanOf, numbered, numbersIn } from '../support/pictures.js';
import { failure, upscale } from '../support/upscale.js';

const folder = testFolder();
let made = 0;
/** More frames than can be under way in batches of four when the first of them is told of: a stop then comes in time. */
const LONG = 64;

/** A new folder with numbered pictures, each of which carries its place in the row. */
async function pictures(
  name: string,
  {
    count = 5,
    first = 1,
    format = 'rgb24',
    filters = '',
  }: { count?: number; first?: number; format?: string; filters?: string } = {},
): Promise<string> {
  made += 1;
  const path = join(folder.path, `row-${made}`);
  mkdirSync(path);
  const source = `${numbered(64, 48)}${filters && `,${filters}`}`;
  const to = ['-frames:v', String(count), '-pix_fmt', format, '-start_number', String(first), join(path, name)];
  await ffmpeg('-f', 'lavfi', '-i', source, ...to);
  return path;
}

const video = () =>
  folder.made('video.mp4', (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', numbered(64, 48), '-f', 'lavfi', '-i', 'sine=duration=1'],
      ...['-map', '0:v', '-map', '1:a', '-frames:v', '12', '-crf', '10', '-c:a', 'aac', path],
    ),
  );

/** The number that each of a folder's pictures carries, by name. */
async function numbersOf(path: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const name of namesIn(path)) found[name] = (await numbersIn(join(path, name)))[0] ?? -1;
  return found;
}

describe('numbered pictures', () => {
  it('become a video, in the order of their numbers, from the lowest on', async () => {
    const path = await pictures('f%d.png', { first: 8, count: 5 });
    const output = folder.file('row.mkv');
    const { start, done, warnings } = await upscale({ input: join(path, 'f%d.png'), output });
    expect(await numbersIn(output)).toEqual(counting(5));
    expect(await videoStream(output)).toMatchObject({ width: 256, height: 192, avg_frame_rate: '25/1' });
    expect([start.totalFrames, done.frames]).toEqual([5, 5]);
    expect(warnings).toEqual(['5 pictures at 25 a second: --fps says another rate']);
  });

  it.each([
    ['24000/1001', '24000/1001'],
    [23.976, '24000/1001'],
    [12, '12/1'],
  ])('have the rate that is asked for: %s', async (fps, rate) => {
    const path = await pictures('%03d.jpg', { format: 'yuvj420p' });
    const output = folder.file(`rate-${String(fps).length}.mp4`);
    const { warnings } = await upscale({ input: join(path, '%03d.jpg'), output, fps });
    expect((await videoStream(output)).avg_frame_rate).toBe(rate);
    expect(warnings).toEqual([]);
    const [num = 0, den = 1] = rate.split('/').map(Number);
    const times = await frameTimes(output);
    for (const [index, time] of times.entries()) expect(time).toBeCloseTo((index * den) / num, 3);
  });

  it('become numbered pictures of the same numbers, or a part of them', async () => {
    const path = await pictures('%04d.png', { first: 0, count: 8 });
    const whole = join(folder.path, 'same');
    const { done, warnings } = await upscale({ input: join(path, '%04d.png'), output: join(whole, 'new-%d.png') });
    expect(await numbersOf(whole)).toEqual(Object.fromEntries(counting(8).map((n) => [`new-${n}.png`, n])));
    expect([done.frames, warnings]).toEqual([8, []]);
    const part = join(folder.path, 'part');
    await upscale({ input: join(path, '%04d.png'), output: join(part, '%d.png'), fps: 10, start: 0.25, end: 0.6 });
    expect(await numbersOf(part)).toEqual({ '3.png': 3, '4.png': 4, '5.png': 5 });
    const few = join(folder.path, 'few');
    await upscale({ input: join(path, '%04d.png'), output: join(few, '%d.png'), frames: 2 });
    expect(await numbersOf(few)).toEqual({ '0.png': 0, '1.png': 1 });
  });

  it('keep their depth, and each its own transparency', async () => {
    const filters = "format=gbrap16le,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='20000*(1+N)'";
    const path = await pictures('%d.png', { count: 3, format: 'rgba64', filters });
    const output = join(folder.path, 'deep');
    await upscale({ input: join(path, '%d.png'), output: join(output, '%d.tif') });
    for (const [index, name] of namesIn(output).entries()) {
      expect((await videoStream(join(output, name))).pix_fmt).toBe('rgba64le');
      const alpha = await ffmpeg(
        '-i',
        join(output, name),
        '-vf',
        'format=gbrap16le,extractplanes=a',
        '-f',
        'rawvideo',
        '-',
      );
      expect(alpha.readUInt16LE(alpha.length / 2)).toBe(20_000 * (index + 1));
    }
  });

  it('may lie in a folder, and have names, with percent signs', async () => {
    const path = join(folder.path, '100%d');
    const from = await pictures('%02d.png', { count: 2 });
    mkdirSync(path);
    for (const name of namesIn(from)) copyFileSync(join(from, name), join(path, `50%-${name}`));
    const output = join(folder.path, '200%d');
    await upscale({ input: join(path, '50%%-%02d.png'), output: join(output, '%%%d.png') });
    expect(namesIn(output)).toEqual(['%1.png', '%2.png']);
  });
});

describe('a video', () => {
  it('becomes numbered pictures, every frame one, and says what they cannot hold', async () => {
    const output = join(folder.path, 'new', 'folder');
    const { done, warnings } = await upscale({ input: await video(), output: join(output, '%06d.png') });
    expect(await numbersOf(output)).toEqual(
      Object.fromEntries(counting(12).map((n) => [`${String(n + 1).padStart(6, '0')}.png`, n])),
    );
    expect(done.frames).toBe(12);
    expect(warnings).toEqual([expect.stringContaining('pictures cannot hold it')]);
  });

  it('shows before and after in each', async () => {
    const output = join(folder.path, 'compared');
    await upscale({ input: await video(), output: join(output, '%d.jpg'), compare: true, frames: 3 });
    for (const [index, name] of namesIn(output).entries()) expect(await numbersIn(join(output, name))).toEqual([index]);
  });

  it('is steadied on the way, without a frame more or less', async () => {
    for (const compare of [false, true]) {
      const output = join(folder.path, `steady-${compare}`);
      await upscale({ input: await video(), output: join(output, '%02d.png'), steady: 'light', frames: 6, compare });
      const names = counting(6, 1).map((n) => `0${n}.png`);
      expect(await numbersOf(output)).toEqual(Object.fromEntries(names.map((name, n) => [name, n])));
    }
  });

  it('of fields shows each beside its own, wherever it begins', async () => {
    const steps = "color=s=64x48:r=25,format=yuv420p,geq=lum='40+N*12':cb=128:cr=128,setfield=tff";
    const fields = await folder.made('fields.mkv', (path) =>
      ffmpeg('-f', 'lavfi', '-i', steps, '-frames:v', '12', '-c:v', 'ffv1', '-field_order', 'tt', path),
    );
    const output = join(folder.path, 'fields');
    const options = { deinterlace: 'field', compare: true, start: 0.1, frames: 5 } as const;
    await upscale({ input: fields, output: join(output, '%d.png'), ...options });
    const levels: number[] = [];
    for (const name of namesIn(output)) {
      const { frames, ...shape } = await decode(join(output, name), { format: 'rgb24' });
      const [before, after] = [0.2, 0.8].map((x) =>
        meanOf(shape, frames[0] as Uint8Array, [x - 0.1, 0.3, x + 0.1, 0.7]),
      ) as [number, number];
      expect(Math.abs(before - after)).toBeLessThan(4);
      levels.push(after);
    }
    // Fourteen levels a frame, the first of which shows its second field only.
    const frames = levels.map((level) => Math.round((level - (levels[0] ?? 0)) / 14));
    expect(frames).toEqual([0, 1, 1, 2, 2]);
  });

  it('of moving pictures with transparency keeps it', async () => {
    const apng = await folder.made('moving.apng', (path) =>
      ffmpeg(
        '-f',
        'lavfi',
        '-i',
        `${numbered(64, 48)},format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='if(lt(X,32),0,255)'`,
        '-frames:v',
        '3',
        path,
      ),
    );
    const output = join(folder.path, 'moving');
    await upscale({ input: apng, output: join(output, '%d.png') });
    expect(namesIn(output)).toHaveLength(3);
    const alpha = await ffmpeg('-i', join(output, '2.png'), '-vf', 'extractplanes=a', '-f', 'rawvideo', '-');
    expect([alpha[100 * 256 + 60], alpha[100 * 256 + 190]]).toEqual([0, 255]);
  });
});

describe('numbered pictures that are not whole', () => {
  const run = (path: string, name = '%03d.png') => ({ input: join(path, name), output: join(path, 'out', '%d.png') });

  it('are told of: a gap, by the missing names', async () => {
    const path = await pictures('%03d.png', { count: 9 });
    for (const name of ['003.png', '005.png', '006.png']) rmSync(join(path, name));
    const error = await failure(run(path));
    expect(error).toMatchObject({
      code: 'TSR_INPUT_SEQUENCE',
      message: expect.stringContaining(
        '3 pictures are missing between the first and the last: 003.png, 005.png to 006.png',
      ),
    });
    // A folder that can be no picture is a gap, too.
    renameSync(join(path, '004.png'), join(path, 'moved.png'));
    mkdirSync(join(path, '004.png'));
    expect((await failure(run(path))).message).toContain('003.png to 006.png');
  });

  it.each([
    ['another size', ['-vf', 'scale=80:48'], 'is 80x48, the first one 64x48'],
    ['a smaller one', ['-vf', 'scale=32:48'], 'is 32x48, the first one 64x48'],
  ])('are told of: %s, by the name, and nothing is left', async (_, change, message) => {
    const path = await pictures('%03d.png', { count: 7 });
    await ffmpeg('-i', join(path, '001.png'), ...change, '-update', '1', join(path, '005.png'));
    const error = await failure(run(path));
    expect(error).toMatchObject({ code: 'TSR_INPUT_SEQUENCE', message: `${join(path, '005.png')}: ${message}` });
    expect(namesIn(path)).not.toContain('out');
  });

  it('are told of: one that cannot be read, by its name', async () => {
    const path = await pictures('%03d.png', { count: 6 });
    writeFileSync(join(path, '004.png'), 'no picture');
    const output = folder.file('unreadable.mp4');
    const error = await failure({ input: join(path, '%03d.png'), output });
    expect(error.code).toBe('TSR_INPUT_SEQUENCE');
    expect(error.message).toContain(join(path, '004.png'));
    expect(readdirSync(folder.path).filter((name) => name.includes('unreadable'))).toEqual([]);
  });

  it('are not found: with a hint at those that are there', async () => {
    const path = await pictures('%03d.png');
    const error = await failure(run(path, '%06d.png'));
    expect(error).toMatchObject({ code: 'TSR_INPUT_NOT_FOUND', hint: expect.stringContaining(join(path, '%03d.png')) });
    expect((await failure({ input: path, output: folder.file('x.mp4') })).hint).toContain(join(path, '%03d.png'));
  });

  it.each(['*.png', '%s.png', '[0-9].png', 'http://127.0.0.1:1/%d.png', 'concat:%d.png|2.png', 'glob:%d.png'])(
    'are no way to anything but files: %s',
    async (name) => {
      const path = await pictures('%d.png');
      const input = name.includes(':') ? name : join(path, name);
      expect((await failure({ input, output: folder.file('never.mp4') })).code).toBe('TSR_INPUT_NOT_FOUND');
    },
  );
});

describe('a folder of numbered pictures', () => {
  it('has none of them while they are made, all of them after, and none when it is stopped', async () => {
    const path = await pictures('%d.png', { count: LONG });
    const output = join(folder.path, 'stopped');
    const abort = new AbortController();
    const seen: string[][] = [];
    const error = await failure(
      { input: join(path, '%d.png'), output: join(output, '%d.png'), signal: abort.signal, batch: 4 },
      (event) => {
        if (event.type !== 'progress') return;
        seen.push(namesIn(output).filter((name) => !name.startsWith('.')));
        abort.abort();
      },
    );
    expect(error.code).toBe('TSR_INTERRUPTED');
    expect(seen[0]).toEqual([]);
    // It was made for them.
    expect(namesIn(folder.path)).not.toContain('stopped');
  });

  it('loses nothing that was there: others stay, and are told of', async () => {
    const path = await pictures('%d.png', { count: 3 });
    const input = join(path, '%d.png');
    const output = folder.empty();
    for (const name of ['2.png', '9.png', 'notes.txt']) writeFileSync(join(output, name), 'mine');
    const error = await failure({ input, output: join(output, '%d.png') });
    expect(error).toMatchObject({
      code: 'TSR_OUTPUT_EXISTS',
      message: expect.stringContaining('2.png and 1 more exist'),
    });
    expect(readFileSync(join(output, '2.png'), 'utf8')).toBe('mine');
    const { warnings } = await upscale({ input, output: join(output, '%d.png'), overwrite: true });
    expect(namesIn(output)).toEqual(['1.png', '2.png', '3.png', '9.png', 'notes.txt']);
    expect(warnings).toEqual([expect.stringContaining('1 older pictures are there besides the new ones (9.png')]);
  });

  it('is never that which is read', async () => {
    const path = await pictures('%d.png', { count: 2 });
    for (const name of ['%d.png', '%06d.png']) {
      const error = await failure({ input: join(path, '%d.png'), output: join(path, name), overwrite: true });
      expect(error.code).toBe('TSR_OUTPUT_SAME_AS_INPUT');
    }
    const one = await failure({ input: join(path, '1.png'), output: join(path, '%d.png'), overwrite: true });
    expect(one.code).toBe('TSR_OUTPUT_SAME_AS_INPUT');
  });
});

describe('numbered pictures that are gone on with', () => {
  const CLEAR = "format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='50+3*N'";

  it.each([
    ['pictures', async () => join(await pictures('%d.png', { count: LONG, format: 'rgba', filters: CLEAR }), '%d.png')],
    [
      'a video',
      async () =>
        folder.made('long.mkv', (path) =>
          ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', String(LONG), '-crf', '10', path),
        ),
    ],
  ])('become what they would have become, of %s', async (name, source) => {
    const input = await source();
    const [whole, stopped] = [join(folder.path, `whole ${name}`), join(folder.path, `stopped ${name}`)];
    await upscale({ input, output: join(whole, '%d.png') });
    const abort = new AbortController();
    const options = { input, output: join(stopped, '%d.png'), resume: true, segmentFrames: 4, batch: 4 } as const;
    const error = await failure({ ...options, signal: abort.signal }, (event) => {
      if (event.type === 'progress') abort.abort();
    });
    expect(error).toMatchObject({ code: 'TSR_INTERRUPTED', message: expect.stringContaining('goes on from there') });
    expect(namesIn(stopped).every((file) => file.startsWith('.'))).toBe(true);
    const { start, done } = await upscale(options);
    expect(start.resumedFrom).toBeGreaterThan(0);
    expect([start.resumedFrom, done.frames]).toEqual([done.resumedFrom, LONG]);
    expect(namesIn(stopped)).toEqual(namesIn(whole));
    for (const file of namesIn(whole))
      expect(readFileSync(join(stopped, file))).toEqual(readFileSync(join(whole, file)));
  });

  it('are not mixed with those of another source', async () => {
    const path = await pictures('%d.png', { count: LONG });
    const output = join(folder.path, 'mixed', '%d.png');
    const abort = new AbortController();
    const options = { input: join(path, '%d.png'), output, resume: true, segmentFrames: 4, batch: 4 } as const;
    await failure({ ...options, signal: abort.signal }, (event) => {
      if (event.type === 'progress') abort.abort();
    });
    copyFileSync(join(path, '1.png'), join(path, `${LONG + 1}.png`));
    const error = await failure(options);
    expect(error).toMatchObject({
      code: 'TSR_RESUME_MISMATCH',
      message: expect.stringContaining('pictures of the source'),
    });
  });
});

it('a picture of a sequence is previewed by its number', async () => {
  const path = await pictures('%d.png', { count: 4 });
  const { previewFrame } = await import('#src/index.js');
  await previewFrame({ input: join(path, '%d.png'), output: folder.file('third.png'), frame: 2, device: 'cpu' });
  expect(await numbersIn(folder.file('third.png'))).toEqual([2]);
  expect((await decode(folder.file('third.png'))).width).toBe(256);
});
