import { describe, expect, it } from 'vitest';
import { ffmpeg, frameTimes } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { counting, decode, meanOf, numbered, numbersIn } from '../support/pictures.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
/** Frames of which the buffers hold but a few: not all are under way when a run is stopped. */
const LONG = 200;
const LOSSLESS = ['-c:v', 'ffv1'];

function made(name: string, graph: string, ...options: readonly string[]): Promise<string> {
  return folder.made(name, (path) => ffmpeg('-f', 'lavfi', '-i', graph, ...options, ...LOSSLESS, path));
}

/** A scene that does not move, each frame with noise of its own. */
const noisy = () => made('noisy.mkv', 'color=c=gray:s=64x48:r=25,noise=alls=3:allf=t,trim=end_frame=16,format=yuv420p');

/** Mean over pixels of the standard deviation in time, in luma codes. */
async function unrest(path: string): Promise<number> {
  const { frames } = await decode(path);
  const pixels = frames[0]?.length ?? 0;
  let sum = 0;
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    const values = frames.map((frame) => frame[pixel] ?? 0);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    sum += Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
  }
  return sum / pixels;
}

describe('--steady', () => {
  it('averages away what flickers where nothing moves, strong more of it than light', async () => {
    const input = await noisy();
    const [plain, light, strong] = ['plain', 'light', 'strong'].map((name) => folder.file(`${name}.mkv`));
    await upscale({ input, output: plain ?? '', codec: 'ffv1' });
    await upscale({ input, output: light ?? '', codec: 'ffv1', steady: 'light' });
    await upscale({ input, output: strong ?? '', codec: 'ffv1', steady: 'strong' });
    const [all = 0, less = 0, least = 0] = await Promise.all([plain, light, strong].map((path) => unrest(path ?? '')));
    expect(all).toBeGreaterThan(1);
    expect(less).toBeLessThan(0.8 * all);
    expect(least).toBeLessThan(0.9 * less);
  });

  it.each(['light', 'strong'] as const)('keeps frames, their order and their times (%s)', async (steady) => {
    const graph = `${numbered(64, 48, '1000')},settb=1/1000,setpts='(N*40+mod(N*N*7,29))/1000/TB',trim=end_frame=14`;
    const source = await made('uneven.mkv', graph, '-fps_mode', 'passthrough', '-enc_time_base', '1/1000');
    const output = folder.file(`uneven-${steady}.mkv`);
    await upscale({ input: source, output, steady });
    expect(await frameTimes(output)).toEqual(await frameTimes(source));
    expect(await numbersIn(output)).toEqual(counting(14));
  });

  it.each([1, 2, 5])('a video of %i frames is shorter than what is averaged over', async (frames) => {
    const source = await made(`short-${frames}.mkv`, `${numbered(64, 48)},trim=end_frame=${frames}`);
    const output = folder.file(`short-${frames}-steady.mp4`);
    const { done } = await upscale({ input: source, output, steady: 'strong' });
    expect(done.frames).toBe(frames);
    expect(await numbersIn(output)).toEqual(counting(frames));
  });

  it('what moves leaves no trail', async () => {
    const source = await made('moving.mkv', `${numbered(128, 64)},trim=end_frame=12`);
    const [plain, steady] = [folder.file('moving-plain.mkv'), folder.file('moving-steady.mkv')];
    await upscale({ input: source, output: plain, codec: 'ffv1' });
    await upscale({ input: source, output: steady, codec: 'ffv1', steady: 'strong' });
    const [before, after] = [await decode(plain), await decode(steady)];
    for (const [index, frame] of before.frames.entries()) {
      const off = Uint8Array.from(frame, (value, i) => Math.abs(value - (after.frames[index]?.[i] ?? 0)));
      // Never more than the threshold for one other frame.
      expect(off.reduce((most, value) => Math.max(most, value), 0)).toBeLessThanOrEqual(0.03 * 255);
      expect(meanOf(before, off, [0, 0, 1, 1])).toBeLessThan(1);
    }
  });

  it.each([
    ['odd sides, RGB between the stages', { size: '33x27' }, {}],
    ['ten bits', { size: '32x32' }, { depth: 10, codec: 'hevc' }],
    ['before | after', { size: '32x32' }, { compare: true }],
    ['RGB output', { size: '32x32' }, { codec: 'ffv1', pixelFormat: 'gbrp' }],
    ['another size', { size: '32x32' }, { width: 100, height: 60 }],
  ] as const)('%s', async (_, { size }, options) => {
    const source = await made(`s${size}.mkv`, `testsrc2=s=${size}:r=25,trim=end_frame=7`);
    const output = folder.file('formats.mkv');
    await upscale({ input: source, output, overwrite: true, steady: 'light', ...options });
    expect(await frameTimes(output)).toEqual(await frameTimes(source));
  });

  it('goes on where a run was stopped, and not with another steadiness', async () => {
    const source = await made('resumed.mkv', `${numbered(64, 48)},trim=end_frame=${LONG}`);
    const output = folder.file('resumed-steady.mkv');
    const options = { input: source, output, resume: true, segmentFrames: 8, batch: 4, steady: 'light' } as const;
    const stop = new AbortController();
    const stopped = upscale({ ...options, signal: stop.signal }, (event) => {
      if (event.type === 'progress' && event.frames >= 1) stop.abort();
    });
    await expect(stopped).rejects.toMatchObject({ code: 'TSR_INTERRUPTED' });
    await expect(upscale({ ...options, steady: 'strong' })).rejects.toMatchObject({ code: 'TSR_RESUME_MISMATCH' });
    await upscale(options);
    expect(await numbersIn(output)).toEqual(counting(LONG));
    expect(await frameTimes(output)).toEqual(await frameTimes(source));
  });

  it('a steadiness that there is not is refused', async () => {
    const input = await noisy();
    const wrong = { input, output: folder.file('never.mkv'), steady: 'much' as 'light' };
    await expect(upscale(wrong)).rejects.toMatchObject({ code: 'TSR_USAGE' });
  });
});
