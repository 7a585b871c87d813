import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cutCues } from '#src/encode/cut-subtitles.js';
import { ffmpeg, frameTimes, packets, probeFile, streamsOf } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';
import { failure, upscale } from '../support/upscale.js';

const folder = testFolder();
// Key frames at 0, 10, 20 …: a start between two of them must not begin at either.
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '10', '-crf', '18'];
const TONE = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=1.6'];

const clip = (extension = 'mp4') =>
  folder.made(`forty.${extension}`, (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', numbered(64, 48), ...TONE, '-frames:v', '40', '-map', '0:v', '-map', '1:a'],
      ...[...FAST, '-c:a', 'aac', path],
    ),
  );

describe('parts of a video', () => {
  it.each([
    ['start', { start: 0.6 }, counting(25, 15)],
    ['end', { end: 0.4 }, counting(10)],
    ['start and end', { start: 0.36, end: 0.8 }, counting(11, 9)],
    ['start and end between frames', { start: 0.05, end: 0.1 }, counting(1, 2)],
    ['start and end just before frames', { start: 0.079, end: 0.199 }, counting(3, 2)],
    ['frames', { frames: 7 }, counting(7)],
    ['start and frames', { start: 1, frames: 5 }, counting(5, 25)],
    ['start, end and frames', { start: 0.2, end: 0.6, frames: 100 }, counting(10, 5)],
    ['more frames than there are', { frames: 1000 }, counting(40)],
    ['an end after the end', { end: 60 }, counting(40)],
  ])('%s: exactly those frames', async (name, options, expected) => {
    const output = folder.file(`${name.replaceAll(/\W/g, '-')}.mp4`);
    const { done } = await upscale({ input: await clip(), output, ...options });
    expect(await numbersIn(output)).toEqual(expected);
    expect(done.frames).toBe(expected.length);
    const times = await frameTimes(output);
    const first = 'start' in options ? (expected[0] ?? 0) / 25 - options.start : 0;
    for (const [index, time] of times.entries()) expect(time).toBeCloseTo(first + index / 25, 3);
  });

  it.each(['mkv', 'ts', 'mov'])('start and end are exact in .%s too', async (extension) => {
    const output = folder.file(`part-${extension}.mp4`);
    await upscale({ input: await clip(extension), output, start: 0.52, end: 1.2 });
    expect(await numbersIn(output)).toEqual(counting(17, 13));
  });

  it.each([
    [{ start: 0.6, end: 1.2 }, 0.6],
    [{ frames: 10 }, 0.4],
    [{ start: 0.4, frames: 15 }, 0.6],
    [{ end: 0.8 }, 0.8],
  ])('%j: the sound has the same length as the picture', async (options, seconds) => {
    const output = folder.file(`sound-${JSON.stringify(options).replaceAll(/\W/g, '')}.mkv`);
    await upscale({ input: await clip(), output, ...options });
    const [sound] = await streamsOf(output, 'audio');
    const heard = await packets(output, sound?.index ?? -1);
    const [first, last] = [heard[0]?.pts ?? Number.NaN, heard.at(-1)?.pts ?? Number.NaN];
    expect(Math.abs(first)).toBeLessThan(0.06);
    expect(Math.abs(last - seconds)).toBeLessThan(0.06);
    expect((await probeFile(output)).streams).toHaveLength(2);
  });

  /** Sound from 0.8 s to 1.4 s beside 1.6 s of picture. */
  const late = () =>
    folder.made('late-sound.mkv', (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', numbered(64, 48), '-itsoffset', '0.8', '-f', 'lavfi', '-i', 'sine=r=48000:d=0.6'],
        ...['-frames:v', '40', '-map', '0:v', '-map', '1:a', ...FAST, '-c:a', 'pcm_s16le', path],
      ),
    );

  it.each([
    [{ end: 0.4 }, 0.4],
    [{ frames: 10 }, 0.4],
    [{ end: 1.2 }, 1.2],
    [{ start: 0.4, end: 1.2 }, 0.8],
  ])('%j of a video whose sound begins late ends with the part', async (options, seconds) => {
    for (const extension of ['mp4', 'mkv']) {
      const output = folder.file(`late-${JSON.stringify(options).replaceAll(/\W/g, '')}.${extension}`);
      await upscale({ input: await late(), output, ...options });
      const { format } = await probeFile(output);
      expect(Math.abs(Number(format.duration) - seconds)).toBeLessThan(0.06);
      expect((await frameTimes(output)).length).toBe(Math.round(seconds * 25));
    }
  });

  it('the sound of a transport stream is cut with its picture', async () => {
    const output = folder.file('sound-ts.mkv');
    await upscale({ input: await clip('ts'), output, start: 0.6, end: 1.2 });
    expect(await numbersIn(output)).toEqual(counting(15, 15));
    const [sound] = await streamsOf(output, 'audio');
    const heard = await packets(output, sound?.index ?? -1);
    expect(heard.every(({ pts }) => pts > -0.06 && pts < 0.66)).toBe(true);
    expect(heard.length).toBeGreaterThan(20);
  });

  it.each([
    ['mkv', 'pcm_s16le', 'mp4'],
    ['mkv', 'pcm_s16le', 'mkv'],
    ['mp4', 'aac', 'webm'],
    ['ts', 'mp2', 'mov'],
  ])('sound of a .%s in %s keeps its place in a part, as .%s', async (from, codec, to) => {
    // Silence but for the tenth of a second at 1.2 s.
    const source = await folder.made(`beep-${codec}.${from}`, (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', numbered(64, 48), '-f', 'lavfi'],
        ...['-i', "aevalsrc='if(between(t,1.2,1.3),sin(6000*t),0)':s=48000", '-t', '1.6'],
        ...[...FAST, '-g', '100', '-c:a', codec, path],
      ),
    );
    const output = folder.file(`beep-${from}.${to}`);
    await upscale({ input: source, output, start: 0.8, end: 1.6 });
    // From the first sample on, however late the track begins.
    const wave = ['-f', 's16le', '-ac', '1', '-ar', '8000', '-af', 'aresample=async=1:first_pts=0', 'pipe:1'];
    const bytes = await ffmpeg('-i', output, '-map', '0:a', ...wave);
    const samples = Array.from({ length: bytes.length >> 1 }, (_, i) => Math.abs(bytes.readInt16LE(2 * i)));
    const loud = samples.flatMap((level, i) => (level > 8000 ? [i / 8000] : []));
    expect(loud[0]).toBeCloseTo(0.4, 1);
    expect(loud.at(-1)).toBeCloseTo(0.5, 1);
    const [sound] = await streamsOf(output, 'audio');
    const heard = await packets(output, sound?.index ?? -1);
    expect(Math.abs((heard.at(-1)?.pts ?? Number.NaN) - 0.8)).toBeLessThan(0.07);
  });

  const CUES = [
    ['0,123', '0,400', 'over'],
    ['0,523', '0,900', 'begun'],
    ['1,023', '1,123', 'inside'],
    ['1,323', '1,593', 'outlasts'],
    ['1,500', '1,590', 'late'],
  ];

  it.each([
    ['mkv', 'subrip', 'mp4'],
    ['mkv', 'subrip', 'webm'],
    ['mp4', 'mov_text', 'mkv'],
  ])('subtitles of a .%s in %s, converted for .%s, show what the part shows', async (from, codec, to) => {
    const texts = folder.file(`cues-${to}.srt`);
    const time = (text = '') => `00:00:0${text}`;
    writeFileSync(texts, CUES.map(([a, b, word], i) => `${i + 1}\n${time(a)} --> ${time(b)}\n${word}\n\n`).join(''));
    const source = folder.file(`cues-${codec}-${to}.${from}`);
    await ffmpeg('-i', await clip(), '-i', texts, '-map', '0', '-map', '1', '-c', 'copy', '-c:s', codec, source);
    const output = folder.file(`cues.${to}`);
    const { warnings } = await upscale({ input: source, output, start: 0.6, end: 1.4 });
    expect(warnings.join()).toContain('converted to');
    const shown = (await ffmpeg('-i', output, '-map', '0:s', '-f', 'srt', 'pipe:1')).toString();
    // Sound begins up to 0.02 s before the picture, from where the part, and what ffmpeg reads of such a file, count.
    const cues = [...shown.matchAll(/:(\d\d),(\d{3}) --> \d\d:\d\d:(\d\d),(\d{3})\n(.*)/g)].map(
      ([, s1, ms1, s2, ms2, word]) => [word, Number(s1) + Number(ms1) / 1000, Number(s2) + Number(ms2) / 1000] as const,
    );
    const expected = [
      ['begun', 0, 0.3],
      ['inside', 0.423, 0.523],
      ['outlasts', 0.723, 0.8],
    ] as const;
    expect(cues.map(([word]) => word)).toEqual(expected.map(([word]) => word));
    for (const [i, [, begin, end]] of expected.entries()) {
      expect(Math.abs((cues[i]?.[1] ?? Number.NaN) - begin)).toBeLessThan(0.04);
      expect(Math.abs((cues[i]?.[2] ?? Number.NaN) - end)).toBeLessThan(0.04);
    }
  });

  it.each([
    ['mkv', 'subrip', 'mkv'],
    ['mkv', 'ass', 'mkv'],
    ['mkv', 'webvtt', 'webm'],
    ['mp4', 'mov_text', 'mp4'],
    ['mp4', 'mov_text', 'mov'],
  ])('subtitles of a .%s in %s, copied to .%s, end with the part', async (from, codec, to) => {
    const texts = folder.file(`copied-${codec}.srt`);
    const CUES = ['00:00:00,200 --> 00:00:00,400\nwhole', '00:00:00,700 --> 00:01:40,000\n<i>outlasts</i>'];
    writeFileSync(texts, CUES.map((cue, i) => `${i + 1}\n${cue}\n\n`).join(''));
    const source = folder.file(`copied-${codec}.${from}`);
    await ffmpeg('-i', await clip(), '-i', texts, '-map', '0', '-map', '1', '-c', 'copy', '-c:s', codec, source);
    for (const options of [{ end: 0.8 }, { frames: 20 }, { start: 0.1, end: 0.9 }]) {
      const output = folder.file(`copied-${codec}-${JSON.stringify(options).replaceAll(/\W/g, '')}.${to}`);
      await upscale({ input: source, output, ...options });
      const { format, streams } = await probeFile(output);
      expect(Number(format.duration)).toBeLessThan(0.87);
      const shown = (await ffmpeg('-i', output, '-map', '0:s', '-f', 'srt', 'pipe:1')).toString();
      const [[, seconds, ms] = []] = [...shown.matchAll(/--> 00:00:(\d\d),(\d{3})\n.*outlasts/g)];
      expect(Math.abs(Number(seconds) + Number(ms) / 1000 - 0.8)).toBeLessThan(0.04);
      expect(shown).toContain('whole');
      expect(shown).toContain('<i>');
      expect(streams.find(({ codec_type }) => codec_type === 'subtitle')?.codec_name).toBe(codec);
    }
  });

  it('cues keep their lines, empty ones and numbers among them', () => {
    const text = '1\n00:00:01,000 --> 00:00:02,000\n3\n\n4\n\n2\n01:00:00,000 --> 01:00:00,500\nlast\n\n';
    expect(cutCues(text, 0.5, undefined)).toBe(
      '1\n00:00:00,500 --> 00:00:01,500\n3\n\n4\n\n2\n00:59:59,500 --> 01:00:00,000\nlast\n\n',
    );
    expect(cutCues(text, 2, 3)).toBe('');
    expect(cutCues(text, -0.25, 1.5)).toBe('1\n00:00:01,250 --> 00:00:01,750\n3\n\n4\n\n');
  });

  it.each(['mp4', 'ts'])(
    'shows the source of a .%s in the left half from the first frame of a part on',
    async (from) => {
      const output = folder.file(`compare-${from}.mp4`);
      await upscale({ input: await clip(from), output, start: 0.7, end: 1.1, compare: true });
      // The line between the halves, in luma.
      const line = await ffmpeg('-i', output, '-vf', 'format=gray,crop=1:ih:iw/2-1:0', '-f', 'rawvideo', 'pipe:1');
      expect(line.length % 192).toBe(0);
      const means = Array.from({ length: line.length / 192 }, (_, i) => {
        const column = line.subarray(192 * i, 192 * (i + 1));
        return column.reduce((sum, level) => sum + level, 0) / 192;
      });
      expect(means).toHaveLength(10);
      expect(Math.min(...means)).toBeGreaterThan(200);
    },
  );

  it.each(['mp4', 'ts'])('a range of a .%s that holds no frame is an error, not a wait', async (extension) => {
    // More frames than pipes hold: a decoder that nobody reads would never end.
    const source = await folder.made(`large.${extension}`, (path) =>
      ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25', '-frames:v', '50', ...FAST, path),
    );
    const error = await failure({
      input: source,
      output: folder.file(`between-${extension}.mp4`),
      start: 0.05,
      end: 0.06,
    });
    expect(error.code).toBe('TSR_INPUT_NO_FRAMES');
  });

  it('a start after the end is an error that names the options', async () => {
    const output = folder.file('beyond.mp4');
    const error = await failure({ input: await clip(), output, start: 30 });
    expect(error.code).toBe('TSR_INPUT_NO_FRAMES');
    expect(error.hint).toMatch(/--start/);
  });
});
