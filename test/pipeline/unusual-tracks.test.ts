import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ffmpeg, packets, streamsOf } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18'];
const VIDEO = ['-f', 'lavfi', '-i', `${numbered(64, 48)},trim=end_frame=10`];
const tone = (hertz: number) => ['-f', 'lavfi', '-i', `sine=frequency=${hertz}:sample_rate=48000:duration=0.4`];

/** Sound of many channels. */
const surround = (layout: string, channels: number) =>
  folder.made(`${layout}.mkv`, (path) => {
    const each = counting(channels).map((channel) => `c${channel}=c0`);
    const pan = `anoisesrc=d=0.4:r=48000:a=0.1,pan=${layout}|${each.join('|')}`;
    return ffmpeg(...VIDEO, '-f', 'lavfi', '-i', pan, ...FAST, '-c:a', layout.startsWith('5') ? 'ac3' : 'flac', path);
  });

describe('sound', () => {
  it.each(['mp4', 'mkv', 'mov'])('that ffmpeg has no name for is dropped with a warning in .%s', async (extension) => {
    const named = await folder.made('named.mov', (path) =>
      ffmpeg(
        ...VIDEO,
        ...tone(440),
        ...tone(880),
        '-map',
        '0',
        '-map',
        '1',
        '-map',
        '2',
        ...FAST,
        '-c:a',
        'pcm_s16le',
        path,
      ),
    );
    const source = await folder.made('nameless.mov', async (path) => {
      const bytes = await readFile(named);
      // The last track's sample description becomes one of a codec that came later.
      bytes.write('apac', bytes.lastIndexOf('stsd') + 16, 'latin1');
      await writeFile(path, bytes);
    });
    const output = folder.file(`nameless-out.${extension}`);
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toContainEqual(expect.stringMatching(/^audio track 2, unknown.*dropped/));
    expect(await streamsOf(output, 'audio')).toHaveLength(1);
  });

  it('twenty tracks are copied, each with its own packets', async () => {
    const source = await folder.made('twenty.mkv', (path) => {
      const maps = counting(20, 1).flatMap((input) => ['-map', String(input)]);
      return ffmpeg(...VIDEO, ...counting(20).flatMap((i) => tone(200 + 40 * i)), '-map', '0', ...maps, ...FAST, path);
    });
    for (const extension of ['mkv', 'mp4']) {
      const output = folder.file(`twenty-out.${extension}`);
      const { warnings } = await upscale({ input: source, output, codec: 'h264' });
      const [before, after] = [await streamsOf(source, 'audio'), await streamsOf(output, 'audio')];
      expect([after.length, before.length]).toEqual([20, 20]);
      if (after[0]?.codec_name !== before[0]?.codec_name) continue;
      expect(warnings).toEqual([]);
      const sizes = async (path: string, index: number) => (await packets(path, index)).map(({ size }) => size);
      for (const [track, { index }] of before.entries()) {
        expect(await sizes(output, after[track]?.index ?? -1)).toEqual(await sizes(source, index));
      }
    }
  });

  it.each([
    ['5.1(side)', 6],
    ['7.1', 8],
    ['6.1', 7],
  ])('%s keeps its %i channels where it is converted', async (layout, channels) => {
    const source = await surround(layout, channels);
    for (const extension of ['webm', 'mov']) {
      const output = folder.file(`${layout}.${extension}`);
      await upscale({ input: source, output, preset: extension === 'webm' ? '8' : 'ultrafast' });
      expect((await streamsOf(output, 'audio')).map((stream) => stream.channels)).toEqual([channels]);
    }
  });

  it.each(['mkv', 'mp4', 'ts'])(
    'that is announced and never comes is dropped with a warning in .%s',
    async (extension) => {
      const full = await folder.made('both.ts', (path) =>
        ffmpeg(
          ...[...VIDEO, ...tone(440), ...tone(880), '-map', '0', '-map', '1', '-map', '2', ...FAST],
          ...['-c:a:0', 'ac3', '-c:a:1', 'mp2', path],
        ),
      );
      const source = await folder.made('silent.ts', (path) =>
        ffmpeg('-i', full, '-map', '0', '-c', 'copy', '-bsf:a:1', 'noise=drop=1', path),
      );
      const output = folder.file(`silent-out.${extension}`);
      const { warnings } = await upscale({ input: source, output });
      expect(warnings).toEqual([expect.stringMatching(/^audio track 2, \w+: dropped, no sound was found in it$/)]);
      expect((await streamsOf(output, 'audio')).map(({ codec_name }) => codec_name)).toEqual(['ac3']);
      expect(await numbersIn(output)).toEqual(counting(10));
    },
  );

  it.each(['mkv', 'mp4'])('that begins late in a transport stream is kept in .%s', async (extension) => {
    const source = await folder.made('late.ts', (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', 'color=gray:s=32x32:r=1:d=102', '-itsoffset', '100', ...tone(440)],
        ...['-map', '0', '-map', '1', ...FAST, '-c:a', 'mp2', path],
      ),
    );
    const output = folder.file(`late-out.${extension}`);
    await upscale({ input: source, output });
    const [track] = await streamsOf(output, 'audio');
    expect((await packets(output, track?.index ?? -1))[0]?.pts).toBeCloseTo(100, 1);
  });

  it('that is converted and begins late does not make a large copied track wait in memory', async () => {
    const source = await folder.made('late.mov', (path) => {
      const each = counting(8).map((channel) => `c${channel}=c0`);
      return ffmpeg(
        ...['-f', 'lavfi', '-i', 'color=gray:s=32x32:r=1', '-f', 'lavfi', '-i', 'anoisesrc=r=48000:a=0.1'],
        ...['-itsoffset', '95', '-f', 'lavfi', '-i', 'sine=d=5', '-t', '100'],
        ...['-filter_complex', `[1:a]pan=7.1|${each.join('|')}[a]`, '-map', '0', '-map', '[a]', '-map', '2', ...FAST],
        ...['-c:a:0', 'pcm_s24le', '-c:a:1', 'adpcm_ima_qt', path],
      );
    });
    const output = folder.file('late-converted.mkv');
    await upscale({ input: source, output });
    const [copied, converted] = await streamsOf(output, 'audio');
    expect([copied?.codec_name, converted?.codec_name]).toEqual(['pcm_s24le', 'flac']);
    const times = (await packets(output, converted?.index ?? -1)).map(({ pts }) => pts);
    expect(times[0]).toBeCloseTo(95, 1);
    expect(times.at(-1)).toBeCloseTo(100, 0);
    expect((await packets(output, copied?.index ?? -1)).at(-1)?.pts).toBeCloseTo(100, 0);
  });

  it.each(['pcm_s16le', 'pcm_s24le', 'pcm_f32le'])('%s with a gap stays in time in .mov', async (codec) => {
    const long = (gap: string) => ['-f', 'lavfi', '-i', `sine=r=48000:d=1.2,aselect='${gap}'`];
    const make = (name: string, gap: string) =>
      folder.made(`${name}-${codec}.mkv`, (path) =>
        ffmpeg(
          '-f',
          'lavfi',
          '-i',
          `${numbered(64, 48)},trim=end_frame=30`,
          ...long(gap),
          ...FAST,
          '-c:a',
          codec,
          path,
        ),
      );
    const heard = async (path: string) =>
      (await ffmpeg('-i', path, '-map', '0:a', '-c:a', 'pcm_f32le', '-f', 'md5', '-')).toString();
    const level = async (path: string, from: number, to: number) => {
      const bytes = await ffmpeg('-i', path, '-map', '0:a', '-af', `atrim=${from}:${to}`, '-f', 's16le', '-');
      return Math.max(...new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1));
    };
    const [whole, gap] = [await make('whole', '1'), await make('gap', 'lt(t,0.4)+gte(t,0.8)')];
    const output = folder.file(`whole-${codec}.mov`);
    expect((await upscale({ input: whole, output })).warnings).toEqual([]);
    expect((await streamsOf(output, 'audio')).map(({ codec_name }) => codec_name)).toEqual([codec]);
    expect(await heard(output)).toBe(await heard(whole));
    const filled = folder.file(`gap-${codec}.mov`);
    await upscale({ input: gap, output: filled });
    const levels = [await level(filled, 0.1, 0.3), await level(filled, 0.5, 0.7), await level(filled, 0.9, 1.1)];
    expect(levels.map((value) => value > 1000)).toEqual([true, false, true]);
    expect((await packets(filled, 1)).at(-1)?.pts).toBeCloseTo(1.2, 1);
  });

  it('what Matroska has no code for becomes flac with a warning', async () => {
    const source = await folder.made('bluray.m2ts', (path) =>
      ffmpeg(...VIDEO, ...tone(440), ...FAST, '-c:a', 'pcm_bluray', '-f', 'mpegts', path),
    );
    const output = folder.file('bluray.mkv');
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toEqual([expect.stringMatching(/pcm_bluray: converted to flac/)]);
    expect((await streamsOf(output, 'audio')).map(({ codec_name }) => codec_name)).toEqual(['flac']);
  });
});

describe('a second picture', () => {
  it.each(['mp4', 'mkv'])('is dropped from .%s with a warning; the first is upscaled', async (extension) => {
    const second = ['-f', 'lavfi', '-i', 'color=blue:s=32x32:r=25:d=0.4'];
    const source = await folder.made(`two.${extension}`, (path) =>
      ffmpeg(...VIDEO, ...second, '-map', '0', '-map', '1', ...FAST, path),
    );
    const output = folder.file(`two-out.${extension}`);
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toEqual(['video track 1, h264: dropped, only track 0 is upscaled']);
    expect((await streamsOf(output, 'video')).map(({ width }) => width)).toEqual([256]);
    expect(await numbersIn(output)).toEqual(counting(10));
  });
});
