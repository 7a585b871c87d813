import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { previewFrame } from '#src/index.js';
import { ffmpeg, frameTimes, videoStream } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { counting, decode, meanOf, numbered, numbersIn, psnr, shrunk, worstPsnr } from '../support/pictures.js';
import { errorOf, upscale } from '../support/upscale.js';

const folder = testFolder();
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '15'];
const EXAMPLE = fileURLToPath(new URL('../../examples/clip.mp4', import.meta.url));

const clip = () =>
  folder.made('clip.mp4', (path) => ffmpeg('-f', 'lavfi', '-i', numbered(128, 96), '-frames:v', '6', ...FAST, path));

/** A part of a real film: 160x90 from the middle of the example. */
const film = () =>
  folder.made('film.mp4', (path) =>
    ffmpeg('-i', EXAMPLE, '-vf', 'crop=160:90', '-frames:v', '12', '-an', '-sn', ...FAST, '-bf', '2', path),
  );

describe('each output frame, scaled back down', () => {
  it.each([
    ['h264', 'mp4', 4],
    ['hevc', 'mkv', 4],
    ['vp9', 'webm', 2],
    ['prores', 'mov', 3],
    ['ffv1', 'mkv', 4],
  ] as const)('is its input frame of a real film within 30 dB (%s in .%s, x%i)', async (codec, extension, scale) => {
    const output = folder.file(`film-${codec}.${extension}`);
    await upscale({ input: await film(), output, codec, scale });
    expect(await worstPsnr(await film(), output)).toBeGreaterThanOrEqual(30);
  });

  it('is its own frame and not its neighbour', async () => {
    const output = folder.file('film-order.mkv');
    await upscale({ input: await film(), output, codec: 'ffv1' });
    const before = await decode(await film());
    const after = shrunk(await decode(output), before.width, before.height);
    const nearest = after.frames.map((frame) => {
      const likeness = before.frames.map((candidate) => psnr(frame, candidate));
      return likeness.indexOf(Math.max(...likeness));
    });
    expect(nearest).toEqual(counting(12));
  });
});

describe('compare', () => {
  it.each(['mp4', 'mkv'])(
    'shows every frame: the source at the left, the result at the right (.%s)',
    async (extension) => {
      const [plain, split] = [folder.file('plain.mkv'), folder.file(`split.${extension}`)];
      await upscale({ input: await clip(), output: plain, codec: 'ffv1', overwrite: true });
      const { done } = await upscale({ input: await clip(), output: split, compare: true, crf: 8 });

      expect(done.frames).toBe(6);
      const stream = await videoStream(split);
      expect([stream.width, stream.height]).toEqual([512, 384]);
      expect(await frameTimes(split)).toEqual(await frameTimes(await clip()));
      // Half of the number is read from either half; both must be of the same frame.
      expect(await numbersIn(split)).toEqual(counting(6));
      const half = { format: 'gray', filters: 'crop=256:384:256:0', size: [256, 384] } as const;
      const [right, expected] = [await decode(split, half), await decode(plain, half)];
      const left = { ...half, filters: 'crop=240:384:0:0', size: [240, 384] } as const;
      const enlarged = await decode(await clip(), {
        ...left,
        filters: 'scale=512:384:flags=bicubic,crop=240:384:0:0',
      });
      const before = await decode(split, left);
      for (const index of counting(6)) {
        const of = ({ frames }: { frames: readonly Uint8Array[] }) => frames[index] ?? new Uint8Array();
        expect(psnr(of(right), of(expected))).toBeGreaterThan(30);
        expect(psnr(of(before), of(enlarged))).toBeGreaterThan(30);
        // A white line stands between.
        const pictures = await decode(split);
        expect(meanOf(pictures, of(pictures), [254.2 / 512, 0.3, 255.8 / 512, 1])).toBeGreaterThan(180);
      }
    },
  );
});

describe('preview', () => {
  const preview = async (name: string, options: Partial<Parameters<typeof previewFrame>[0]> = {}) => {
    const output = folder.file(name);
    await previewFrame({ input: await clip(), output, frame: 3, device: 'cpu', ...options });
    return output;
  };

  it.each([0, 3, 5])('writes frame %i as a PNG', async (frame) => {
    const output = await preview(`frame-${frame}.png`, { frame });
    const stream = await videoStream(output);
    expect([stream.codec_name, stream.pix_fmt, stream.width, stream.height]).toEqual(['png', 'rgb24', 512, 384]);
    expect(await numbersIn(output)).toEqual([frame]);
  });

  it('takes a size', async () => {
    const output = await preview('sized.png', { width: 300 });
    const { width, height } = await videoStream(output);
    expect([width, height]).toEqual([300, 225]);
  });

  it.each([
    ['64:45', {}, [512, 288]],
    ['16:15', { compare: true }, [384, 288]],
    ['8:9', {}, [360, 324]],
    ['64:45', { width: 300 }, [300, 169]],
    ['64:45', { height: 288 }, [512, 288]],
    ['64:45', { width: 360, height: 288 }, [360, 288]],
    ['1000:1', {}, [360, 1]],
  ])('of pixels of %s with %j has square ones', async (shape, options, size) => {
    const input = await folder.made(`shape-${shape.replace(':', '-')}.mkv`, (path) =>
      ffmpeg(
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=90x72:d=0.2',
        '-vf',
        `setsar=${shape.replace(':', '/')}:max=1000`,
        '-c:v',
        'ffv1',
        path,
      ),
    );
    const name = `shape-${shape.replace(':', '-')}-${JSON.stringify(options).replaceAll(/\W/g, '')}.png`;
    const output = await preview(name, { input, frame: 1, ...options });
    const { width, height } = await videoStream(output);
    expect([width, height]).toEqual(size);
  });

  it('with compare shows before and after of the same frame', async () => {
    const output = await preview('split.png', { compare: true });
    const { width, height } = await videoStream(output);
    expect([width, height]).toEqual([512, 384]);
    expect(await numbersIn(output)).toEqual([3]);
  });

  it('beyond the last frame is an error and writes nothing', async () => {
    const error = await errorOf(preview('beyond.png', { frame: 6 }));
    expect(error.code).toBe('TSR_INPUT_NO_FRAMES');
    await expect(folder.read('beyond.png')).rejects.toThrow(/ENOENT/);
  });

  it.each([
    ['preview.jpg', 'TSR_OUTPUT_FORMAT'],
    ['frame-again.png', 'TSR_OUTPUT_EXISTS'],
  ])('to %s is refused with %s', async (name, code) => {
    if (name === 'frame-again.png') await preview(name);
    expect((await errorOf(preview(name))).code).toBe(code);
  });
});
