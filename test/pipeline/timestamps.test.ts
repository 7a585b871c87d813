import { describe, expect, it } from 'vitest';
import { ffmpeg, frameTimes, tickOf } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
const FRAMES = 24;
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18'];

/** Frame times that jump about: 7 ms to 1.3 s from one frame to the next, on a clock of 1/1000 s. */
const IRREGULAR = `setpts='(N*40+mod(N*N*7,29)+if(gt(N,12),1300,0))/1000/TB'`;

async function expectSameTimes(source: string, output: string, zero = 0): Promise<void> {
  const [before, after] = [await frameTimes(source), await frameTimes(output)];
  expect(after).toHaveLength(before.length);
  // ffprobe prints six decimals.
  const allowed = Math.max(await tickOf(source), await tickOf(output)) + 2e-6;
  for (const [index, time] of after.entries()) {
    expect(Math.abs(time - ((before[index] ?? Number.NaN) - zero)), `frame ${index}`).toBeLessThanOrEqual(allowed);
  }
}

function variable(name: string, ...encode: readonly string[]): Promise<string> {
  return folder.made(name, (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', `${numbered(64, 48, '1000')},settb=1/1000,${IRREGULAR}`],
      ...['-frames:v', String(FRAMES), '-fps_mode', 'passthrough', '-enc_time_base', '1/1000', ...encode, path],
    ),
  );
}

describe('variable frame rate', () => {
  it.each(['mkv', 'ts', 'flv'])('frames with hours between them are counted, not guessed (.%s)', async (extension) => {
    const graph = `${numbered(64, 48)},trim=end_frame=10,setpts='if(eq(N,9),7200/TB,PTS)'`;
    const source = await folder.made(`hours.${extension}`, (path) =>
      ffmpeg('-f', 'lavfi', '-i', graph, '-fps_mode', 'passthrough', ...FAST, path),
    );
    const output = folder.file(`hours-${extension}.mkv`);
    const { start, done } = await upscale({ input: source, output });
    expect([start.totalFrames, done.frames]).toEqual([10, 10]);
    const part = await upscale({ input: source, output, overwrite: true, start: 0.12 });
    expect(part.start.totalFrames).toBeLessThanOrEqual(10);
  });

  const targets = ['mp4', 'mkv', 'mov', 'webm', 'ts'];

  it.each(targets)('every PTS of a variable-frame-rate mp4 is kept in .%s', async (extension) => {
    const source = await variable('vfr.mp4', ...FAST, '-bf', '2', '-video_track_timescale', '1000');
    const gaps = (await frameTimes(source)).map((time, i, all) => Math.round((time - (all[i - 1] ?? 0)) * 1000));
    expect(new Set(gaps).size).toBeGreaterThan(10);
    const output = folder.file(`vfr-mp4.${extension}`);
    await upscale({ input: source, output, preset: extension === 'webm' ? '8' : 'ultrafast' });
    await expectSameTimes(source, output);
    expect(await numbersIn(output)).toEqual(counting(FRAMES));
  });

  it.each([
    ['mkv', ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2']],
    ['webm', ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8']],
    ['mov', FAST],
  ])('every PTS of a variable-frame-rate %s is kept', async (extension, encode) => {
    const source = await variable(`vfr.${extension}`, ...encode);
    const output = folder.file(`vfr-${extension}.mp4`);
    await upscale({ input: source, output });
    await expectSameTimes(source, output);
    expect(await numbersIn(output)).toEqual(counting(FRAMES));
  });

  it('frames one tick of a 90 kHz clock apart stay apart', async () => {
    const source = await folder.made('ticks.mkv', (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', `${numbered(64, 48, '90000')},settb=1/90000,setpts='N*if(gt(N,5),900,90)'`],
        ...['-frames:v', '12', '-fps_mode', 'passthrough', '-enc_time_base', '1/90000', ...FAST, path],
      ),
    );
    const output = folder.file('ticks.mp4');
    await upscale({ input: source, output });
    await expectSameTimes(source, output);
    expect(await numbersIn(output)).toEqual(counting(12));
  });
});

describe('clocks', () => {
  it.each([
    ['hevc', 'mp4', 2_000_000_000],
    ['vp9', 'mkv', 2_000_000_000],
    ['h264', 'mp4', 2_000_000_000],
    ['hevc', 'mp4', 1_000_003],
  ] as const)('%s in .%s takes a clock of %i ticks a second', async (codec, extension, ticks) => {
    const source = await folder.made(`clock-${ticks}.mp4`, (path) =>
      ffmpeg(
        '-f',
        'lavfi',
        '-i',
        numbered(64, 48),
        '-frames:v',
        '25',
        ...FAST,
        '-video_track_timescale',
        `${ticks}`,
        path,
      ),
    );
    expect(await tickOf(source)).toBe(1 / ticks);
    const output = folder.file(`clock-${codec}-${ticks}.${extension}`);
    await upscale({ input: source, output, codec, preset: codec === 'vp9' ? '8' : 'ultrafast' });
    await expectSameTimes(source, output);
    expect(await numbersIn(output)).toEqual(counting(25));
  });

  it.each(['24000/1001', '30000/1001', '60', '12.5', '1'])(
    'a rate of %s frames a second does not drift',
    async (rate) => {
      const name = `rate-${rate.replace('/', '-')}.mp4`;
      const source = await folder.made(name, (path) =>
        ffmpeg('-f', 'lavfi', '-i', numbered(64, 48, rate), '-frames:v', '40', ...FAST, path),
      );
      const output = folder.file(`out-${name}`);
      await upscale({ input: source, output, preset: 'ultrafast' });
      const [before, after] = [await frameTimes(source), await frameTimes(output)];
      // The same clock divides both, so nothing at all is rounded.
      expect(after).toEqual(before);
    },
  );

  it('a first frame after zero stays after zero', async () => {
    const source = await folder.made('late.mkv', (path) =>
      ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', '5', ...FAST, '-output_ts_offset', '2.5', path),
    );
    expect((await frameTimes(source))[0]).toBeCloseTo(2.5, 2);
    for (const output of ['late.mp4', 'late-out.mkv'].map(folder.file)) {
      await upscale({ input: source, output });
      await expectSameTimes(source, output);
    }
  });

  it('a transport stream that starts far from zero starts at zero, with its gaps kept', async () => {
    const source = await folder.made('far.ts', (path) =>
      ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', '8', ...FAST, '-output_ts_offset', '4000', path),
    );
    const first = (await frameTimes(source))[0] ?? 0;
    expect(first).toBeGreaterThan(3999);
    const output = folder.file('far.mp4');
    await upscale({ input: source, output });
    await expectSameTimes(source, output, first);
  });

  it('frames without a timestamp follow the one before, and a warning says so', async () => {
    // A raw H.264 stream in AVI with B-frames carries no PTS for some frames.
    const source = await folder.made('nopts.avi', (path) =>
      ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', '12', ...FAST, '-bf', '2', path),
    );
    const output = folder.file('nopts.mp4');
    await upscale({ input: source, output });
    expect(await numbersIn(output)).toEqual(counting(12));
    const times = await frameTimes(output);
    expect(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0))).toBe(true);
  });
});
