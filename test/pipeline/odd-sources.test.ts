import { describe, expect, it } from 'vitest';
import { ffmpeg, frameTimes, packets, streamsOf, tickOf, videoStream } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { numbered, numbersIn } from '../support/pictures.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18', '-pix_fmt', 'yuv420p'];
const B_FRAMES = ['-c:v', 'libx264', '-preset', 'fast', '-crf', '12', '-pix_fmt', 'yuv420p', '-bf', '3', '-g', '12'];
const picture = (seconds: number, rate = '25') => [
  '-f',
  'lavfi',
  '-i',
  `${numbered(64, 48, rate)},trim=duration=${seconds}`,
];
const SOUND = ['-f', 'lavfi', '-i', 'sine=sample_rate=48000:duration=1'];

const whole = () =>
  folder.made('whole.mp4', (path) => ffmpeg(...picture(1), ...SOUND, ...B_FRAMES, '-c:a', 'aac', path));

/** Sources that are right and odd: name, what makes them. */
const SOURCES: readonly (readonly [string, (path: string) => Promise<unknown>])[] = [
  [
    'an edit list that begins amid a group.mp4',
    async (path) => ffmpeg('-ss', '0.3', '-i', await whole(), '-c', 'copy', path),
  ],
  [
    'an empty edit before the picture.mov',
    async (path) => {
      const [file, late] = [await whole(), ['-itsoffset', '0.35']];
      await ffmpeg(...late, '-i', file, '-i', file, '-map', '0:v', '-map', '1:a', '-c', 'copy', path);
    },
  ],
  [
    'a start before zero.mp4',
    async (path) => {
      const kept = ['-c', 'copy', '-avoid_negative_ts', 'disabled'];
      await ffmpeg('-itsoffset', '-0.5', '-i', await whole(), ...kept, path);
    },
  ],
  ['B-frames.mkv', async (path) => ffmpeg('-i', await whole(), '-c', 'copy', path)],
  ['one frame.mp4', (path) => ffmpeg(...picture(0.04), ...X264, path)],
  ['one frame.mkv', (path) => ffmpeg(...picture(0.04), ...X264, path)],
  ['one frame.gif', (path) => ffmpeg(...picture(0.04), path)],
  ['ten a second.gif', (path) => ffmpeg(...picture(1, '10'), path)],
  ['raw.y4m', (path) => ffmpeg(...picture(0.4), '-pix_fmt', 'yuv420p', path)],
  ['ten thousand a second.nut', (path) => ffmpeg(...picture(0.002, '10000'), '-c:v', 'ffv1', path)],
  ['one in ten seconds.mp4', (path) => ffmpeg(...picture(30, '1/10'), ...X264, path)],
  ['a prime clock.mp4', (path) => ffmpeg(...picture(1), ...SOUND, ...X264, '-video_track_timescale', '1000003', path)],
  ['fields by macroblock.mp4', (path) => ffmpeg(...picture(0.6), ...B_FRAMES, '-flags', '+ilme+ildct', path)],
  ['ten bits.mkv', (path) => ffmpeg(...picture(0.4), ...X264.slice(0, 6), '-pix_fmt', 'yuv420p10le', path)],
  [
    'transparent.webm',
    (path) => ffmpeg(...picture(0.4), '-pix_fmt', 'yuva420p', '-c:v', 'libvpx-vp9', '-cpu-used', '8', path),
  ],
];

/** Sizes and times of the first sound track's packets; none where there is no sound. */
async function soundOf(path: string) {
  const [sound] = await streamsOf(path, 'audio');
  return sound ? packets(path, sound.index) : [];
}

describe('an odd source', () => {
  it.each(SOURCES)('%s: frames, times and sound are those of the source', async (name, make) => {
    const source = await folder.made(name, make);
    const [times, sound] = [await frameTimes(source), await soundOf(source)];
    expect(times.length).toBeGreaterThan(0);
    for (const extension of ['mp4', 'mkv']) {
      const output = folder.file(`${name}.${extension}`);
      await upscale({ input: source, output, preset: 'ultrafast' });
      expect(await numbersIn(output)).toEqual(await numbersIn(source));
      const after = await frameTimes(output);
      // ffprobe prints six decimals.
      const allowed = Math.max(await tickOf(source), await tickOf(output)) + 3e-6;
      const apart = after.map((time, index) => Math.abs(time - (times[index] ?? Number.NaN)));
      expect([extension, Math.max(...apart) <= allowed, after.length]).toEqual([extension, true, times.length]);
      const heard = await soundOf(output);
      expect(heard.map(({ size }) => size)).toEqual(sound.map(({ size }) => size));
      const moved = heard.map(({ pts }, index) => Math.abs(pts - (sound[index]?.pts ?? Number.NaN)));
      expect(Math.max(0, ...moved)).toBeLessThanOrEqual(0.001 + 3e-6);
      expect((await videoStream(output)).width).toBe(256);
    }
  });

  it('equal timestamps are moved apart by the least there is, and a warning counts them', async () => {
    const source = await folder.made('twice.mkv', (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', `${numbered(64, 48)},settb=1/1000,setpts='floor(N/2)*80'`, '-frames:v', '12'],
        ...['-fps_mode', 'passthrough', '-enc_time_base', '1/1000', '-c:v', 'ffv1', path],
      ),
    );
    const output = folder.file('twice.mp4');
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toEqual([expect.stringMatching(/^6 frames had no usable timestamp/)]);
    expect(await numbersIn(output)).toEqual(await numbersIn(source));
    const times = await frameTimes(output);
    for (const [index, time] of times.entries()) {
      expect(time).toBeCloseTo(Math.floor(index / 2) * 0.08 + (index % 2) * 0.001, 4);
    }
  });
});
