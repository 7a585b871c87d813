import { describe, expect, it } from 'vitest';
import { ffmpeg, frameTimes, tickOf, videoStream } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn, worstPsnr } from '../support/pictures.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
const FRAMES = 10;

interface Kind {
  readonly name: string;
  readonly codec: string;
  readonly encode: readonly string[];
  /** Least similarity of an output frame, scaled back, to its input frame, in dB. */
  readonly similar?: number;
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-crf', '18'];
const X265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-crf', '20'];
const VP8 = ['-c:v', 'libvpx', '-b:v', '1M', '-deadline', 'realtime', '-cpu-used', '8'];
const VP9 = ['-c:v', 'libvpx-vp9', '-crf', '20', '-b:v', '0', '-deadline', 'realtime', '-cpu-used', '8'];
const AV1 = ['-c:v', 'libaom-av1', '-crf', '25', '-b:v', '0', '-cpu-used', '8', '-usage', 'realtime'];
const MPEG2 = ['-c:v', 'mpeg2video', '-q:v', '3', '-bf', '2'];
const PRORES = ['-c:v', 'prores_ks', '-profile:v', 'standard'];
const MJPEG = ['-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p'];

const KINDS: readonly Kind[] = [
  { name: 'h264.mp4', codec: 'h264', encode: X264 },
  { name: 'hevc.mp4', codec: 'hevc', encode: X265 },
  { name: 'vp9.mp4', codec: 'vp9', encode: VP9 },
  { name: 'av1.mp4', codec: 'av1', encode: AV1 },
  { name: 'h264.mov', codec: 'h264', encode: X264 },
  { name: 'prores.mov', codec: 'prores', encode: PRORES },
  { name: 'mjpeg.mov', codec: 'mjpeg', encode: MJPEG },
  { name: 'h264.mkv', codec: 'h264', encode: X264 },
  { name: 'mpeg2.mkv', codec: 'mpeg2video', encode: MPEG2 },
  { name: 'ffv1.mkv', codec: 'ffv1', encode: ['-c:v', 'ffv1'] },
  { name: 'vp8.webm', codec: 'vp8', encode: VP8 },
  { name: 'vp9.webm', codec: 'vp9', encode: VP9 },
  { name: 'av1.webm', codec: 'av1', encode: AV1 },
  { name: 'mpeg4.avi', codec: 'mpeg4', encode: ['-c:v', 'mpeg4', '-q:v', '3'] },
  { name: 'mjpeg.avi', codec: 'mjpeg', encode: MJPEG },
  { name: 'h264.ts', codec: 'h264', encode: X264 },
  { name: 'hevc.ts', codec: 'hevc', encode: X265 },
  { name: 'mpeg2.ts', codec: 'mpeg2video', encode: MPEG2 },
  { name: 'palette.gif', codec: 'gif', encode: ['-c:v', 'gif'], similar: 22 },
];

describe('every kind of source', () => {
  it.each(KINDS)(
    '$name: every frame once, in order, at its time, and looking like itself',
    async ({ name, ...kind }) => {
      const source = await folder.made(name, (path) =>
        ffmpeg('-f', 'lavfi', '-i', numbered(128, 96), '-frames:v', String(FRAMES), ...kind.encode, path),
      );
      expect((await videoStream(source)).codec_name).toBe(kind.codec);
      expect(await numbersIn(source)).toEqual(counting(FRAMES));

      const output = folder.file(`${name}.mp4`);
      const { done } = await upscale({ input: source, output });

      expect(done.frames).toBe(FRAMES);
      const stream = await videoStream(output);
      expect([stream.codec_name, stream.width, stream.height]).toEqual(['h264', 512, 384]);
      expect(await numbersIn(output)).toEqual(counting(FRAMES));
      const [before, after] = [await frameTimes(source), await frameTimes(output)];
      const tick = Math.max(await tickOf(source), await tickOf(output));
      const zero = name.endsWith('.ts') ? (before[0] ?? 0) : 0;
      for (const [index, time] of after.entries()) {
        expect(Math.abs(time - ((before[index] ?? Number.NaN) - zero))).toBeLessThanOrEqual(tick + 2e-6);
      }
      expect(await worstPsnr(source, output)).toBeGreaterThanOrEqual(kind.similar ?? 30);
    },
  );
});

describe('every kind of output', () => {
  const outputs = [
    { output: 'h264.mp4', codec: 'h264', as: 'h264' },
    { output: 'hevc.mp4', codec: 'hevc', as: 'hevc' },
    { output: 'av1.mp4', codec: 'av1', as: 'av1' },
    { output: 'vp9.mp4', codec: 'vp9', as: 'vp9' },
    { output: 'prores.mov', codec: 'prores', as: 'prores' },
    { output: 'hevc.mov', codec: 'hevc', as: 'hevc' },
    { output: 'ffv1.mkv', codec: 'ffv1', as: 'ffv1' },
    { output: 'vp9.webm', codec: 'vp9', as: 'vp9' },
    { output: 'av1.webm', codec: 'av1', as: 'av1' },
    { output: 'h264.ts', codec: 'h264', as: 'h264' },
    { output: 'hevc.ts', codec: 'hevc', as: 'hevc' },
  ] as const;

  it.each(outputs)('$output holds every frame as $as', async ({ output: name, codec, as }) => {
    const source = await folder.made('small.mkv', (path) =>
      ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', String(FRAMES), ...X264, path),
    );
    const output = folder.file(`as-${name}`);
    const preset = { h264: 'ultrafast', hevc: 'ultrafast', av1: '10', vp9: '8', prores: 'proxy', ffv1: undefined }[
      codec
    ];

    await upscale({ input: source, output, codec, preset });

    const stream = await videoStream(output);
    expect([stream.codec_name, stream.width, stream.height]).toEqual([as, 256, 192]);
    expect(await numbersIn(output)).toEqual(counting(FRAMES));
    const [before, after] = [await frameTimes(source), await frameTimes(output)];
    const tick = Math.max(await tickOf(source), await tickOf(output));
    // A transport stream counts from its first DTS, which B-frames put before the first PTS.
    const zero = name.endsWith('.ts') ? -(after[0] ?? 0) : 0;
    for (const [index, time] of after.entries()) {
      expect(Math.abs(time - ((before[index] ?? Number.NaN) - zero))).toBeLessThanOrEqual(tick + 2e-6);
    }
  });

  it.each(['webm', 'mov'])('the first codec of .%s is its default', async (extension) => {
    const source = await folder.made('small.mkv', (path) =>
      ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', String(FRAMES), ...X264, path),
    );
    const output = folder.file(`default.${extension}`);
    await upscale({ input: source, output, frames: 2 });
    expect((await videoStream(output)).codec_name).toBe(extension === 'webm' ? 'vp9' : 'h264');
  });
});
