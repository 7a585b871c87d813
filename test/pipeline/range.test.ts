import { describe, expect, it } from 'vitest';
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

  it('the sound of a transport stream is cut with its picture', async () => {
    const output = folder.file('sound-ts.mkv');
    await upscale({ input: await clip('ts'), output, start: 0.6, end: 1.2 });
    expect(await numbersIn(output)).toEqual(counting(15, 15));
    const [sound] = await streamsOf(output, 'audio');
    const heard = await packets(output, sound?.index ?? -1);
    expect(heard.every(({ pts }) => pts > -0.06 && pts < 0.66)).toBe(true);
    expect(heard.length).toBeGreaterThan(20);
  });

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
