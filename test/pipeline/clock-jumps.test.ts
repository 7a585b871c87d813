import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ffmpeg, frameTimes, packets, streamsOf, videoStream } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
const FRAMES = 25;
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18', '-bf', '2'];

/** A second of a broadcast whose clock starts somewhere. */
const part = (start: number, extension = 'ts', encode: readonly string[] = FAST) =>
  folder.made(`part${start}.${extension}`, (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', `${numbered(64, 48)},trim=end_frame=${FRAMES}`],
      ...['-f', 'lavfi', '-i', 'sine=sample_rate=48000:duration=1'],
      ...[...encode, '-c:a', 'mp2', '-output_ts_offset', String(start), path],
    ),
  );

/** Recordings put one behind the other. */
const joined = (name: string, ...parts: readonly string[]) =>
  folder.made(name, async (path) =>
    writeFile(path, Buffer.concat(await Promise.all(parts.map((one) => readFile(one))))),
  );

async function soundTimes(path: string): Promise<number[]> {
  const [sound] = await streamsOf(path, 'audio');
  return (await packets(path, sound?.index ?? -1)).map(({ pts }) => pts);
}

const MPEG2 = ['-c:v', 'mpeg2video', '-q:v', '2', '-bf', '2'];

describe('a clock that starts anew midway', () => {
  it.each([
    ['back to the same time', 'ts', FAST, 0, 0],
    ['back by minutes, as if it had wrapped', 'ts', FAST, 200, 0],
    ['in a programme stream', 'mpg', MPEG2, 0, 0],
  ] as const)('%s: the second part follows the first, sound and picture together', async (name, kind, encode, a, b) => {
    const source = await joined(`${name}.${kind}`, await part(a, kind, encode), await part(b, kind, encode));
    for (const extension of ['mp4', 'mkv', 'ts']) {
      const output = folder.file(`${name}-out.${extension}`);
      const { warnings } = await upscale({ input: source, output, preset: 'ultrafast' });
      expect(warnings).toContainEqual('the clock of the source starts anew once: what follows is joined on');
      expect(warnings).not.toContainEqual(expect.stringMatching(/no usable timestamp/));
      expect(await numbersIn(output)).toEqual([...counting(FRAMES), ...counting(FRAMES)]);
      const times = await frameTimes(output);
      const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
      const joint = gaps.splice(FRAMES - 1, 1);
      for (const gap of gaps) expect(Math.abs(gap - 0.04)).toBeLessThan(0.0015);
      expect(joint[0]).toBeGreaterThan(0);
      expect(joint[0]).toBeLessThan(0.2);
      // Each part's sound starts with its picture, as in the source.
      const sound = await soundTimes(output);
      expect(Math.abs((sound[0] ?? 0) - (times[0] ?? 0))).toBeLessThan(0.1);
      expect(Math.abs((sound.at(-1) ?? 0) - (times.at(-1) ?? 0))).toBeLessThan(0.1);
    }
  });

  it('is mended in a place that is removed', async () => {
    const source = await joined('again.ts', await part(0), await part(0));
    const before = process.env.TMPDIR;
    const place = folder.empty();
    process.env.TMPDIR = place;
    await upscale({ input: source, output: folder.file('again.mp4') });
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    expect(namesIn(place)).toEqual([]);
  });
});

describe('a clock that goes on', () => {
  it('over a gap keeps the gap', async () => {
    const source = await joined('gap.ts', await part(0), await part(60));
    const output = folder.file('gap.mp4');
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).not.toContainEqual(expect.stringMatching(/clock/));
    const [before, after] = [await frameTimes(source), await frameTimes(output)];
    expect((before[FRAMES] ?? 0) - (before[FRAMES - 1] ?? 0)).toBeGreaterThan(58);
    const moved = (before[0] ?? 0) - (after[0] ?? 0);
    for (const [i, time] of after.entries()) expect(Math.abs(time + moved - (before[i] ?? 0))).toBeLessThan(0.001);
  });

  it('over the end of its 33 bits does not jump', async () => {
    const source = await part(95_441.8);
    const output = folder.file('wrapped.mp4');
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toEqual([expect.stringMatching(/mp2: converted/)]);
    const times = await frameTimes(output);
    expect(times).toHaveLength(FRAMES);
    for (const [i, time] of times.entries()) expect(Math.abs(time - (times[0] ?? 0) - i * 0.04)).toBeLessThan(0.001);
    expect((await videoStream(output)).start_time).toMatch(/^0\./);
  });
});
