import { describe, expect, it } from 'vitest';
import { ffmpeg, videoStream } from '../support/ffmpeg.js';
import { combing, woven } from '../support/fields.js';
import { testFolder } from '../support/folder.js';
import { counting, decode, meanOf, numbered, numbersIn, psnr, shrunk, worstPsnr } from '../support/pictures.js';
import { failure, upscale } from '../support/upscale.js';

const folder = testFolder();
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18'];
const LOSSLESS = ['-c:v', 'ffv1'];

function clip(name: string, source: string, ...encode: readonly string[]): Promise<string> {
  return folder.made(name, (path) => ffmpeg('-f', 'lavfi', '-i', source, ...encode, path));
}

const plain = () => clip('plain.mp4', numbered(128, 96), '-frames:v', '4', ...FAST);

async function sizeOf(path: string): Promise<string> {
  const { width, height } = await videoStream(path);
  return `${width}x${height}`;
}

describe('sample aspect ratio', () => {
  it.each([
    ['64:45', 'mp4'],
    ['64:45', 'mkv'],
    ['8:9', 'mov'],
    ['12:11', 'webm'],
    ['16:15', 'ts'],
  ])('%s is kept in .%s', async (ratio, extension) => {
    const name = `sar-${ratio.replace(':', '-')}.mkv`;
    const source = await clip(name, `${numbered(64, 48)},setsar=${ratio.replace(':', '/')}`, '-frames:v', '2', ...FAST);
    expect((await videoStream(source)).sample_aspect_ratio).toBe(ratio);
    const output = folder.file(`${name}.${extension}`);
    await upscale({ input: source, output });
    const value = (text = '') =>
      text.split(':').reduce((quotient, part) => (quotient ? quotient / Number(part) : Number(part)), 0);
    // WebM holds the shape as a whole number of pixels to show.
    expect(Math.abs(value((await videoStream(output)).sample_aspect_ratio) / value(ratio) - 1)).toBeLessThan(0.5 / 256);
  });

  it('gives way to the shape of the picture when both sides are asked for', async () => {
    const source = await clip('sar-both.mkv', `${numbered(72, 58)},setsar=64/45`, '-frames:v', '2', ...FAST);
    const output = folder.file('sar-both-out.mkv');
    await upscale({ input: source, output, width: 192, height: 108 });
    const stream = await videoStream(output);
    // 72 x 58 pixels of 64:45 are 256:145; so are 192 x 108 of 144:145.
    expect([stream.width, stream.height, stream.sample_aspect_ratio]).toEqual([192, 108, '144:145']);
    await upscale({ input: source, output, width: 144, overwrite: true });
    expect((await videoStream(output)).sample_aspect_ratio).toBe('64:45');
  });

  it('is turned with a picture that is turned', async () => {
    const flat = await clip('sar-flat.mp4', `${numbered(64, 48)},setsar=4/3`, '-frames:v', '2', ...FAST);
    const source = await folder.made('sar-turned.mp4', (path) =>
      ffmpeg('-i', flat, '-c', 'copy', '-metadata:s:v:0', 'rotate=90', path),
    );
    const output = folder.file('sar-turned-out.mp4');
    await upscale({ input: source, output });
    const stream = await videoStream(output);
    expect([stream.width, stream.height, stream.sample_aspect_ratio]).toEqual([192, 256, '3:4']);
  });
});

describe('rotation', () => {
  it.each([
    [90, 'transpose=cclock', '384x512'],
    [180, 'hflip,vflip', '512x384'],
    [270, 'transpose=clock', '384x512'],
  ])(
    '%i degrees counter-clockwise are applied to the picture, and the output carries none',
    async (degrees, filters, size) => {
      const upright = await plain();
      const source = await folder.made(`turned-${degrees}.mp4`, (path) =>
        ffmpeg('-i', upright, '-c', 'copy', '-metadata:s:v:0', `rotate=${degrees}`, path),
      );
      expect((await videoStream(source)).side_data_list?.some((data) => 'rotation' in data)).toBe(true);
      const output = folder.file(`turned-${degrees}-out.mp4`);

      await upscale({ input: source, output });

      expect(await sizeOf(output)).toBe(size);
      const stream = await videoStream(output);
      expect(stream.side_data_list ?? []).toEqual([]);
      expect(stream.tags?.rotate).toBeUndefined();
      const [width = 0, height = 0] = size.split('x').map((side) => Number(side) / 4);
      const expected = await decode(upright, { filters, size: [width, height] });
      const actual = shrunk(await decode(output), width, height);
      expect(actual.frames).toHaveLength(expected.frames.length);
      for (const [index, frame] of expected.frames.entries()) {
        expect(psnr(frame, actual.frames[index] ?? new Uint8Array())).toBeGreaterThanOrEqual(30);
      }
    },
  );
});

describe('odd sizes', () => {
  // Grey, a white last column and a black last row.
  const edges = (width: number, height: number) =>
    `color=gray:s=${width}x${height}:r=25,format=yuv444p,drawbox=x=${width - 1}:y=0:w=1:h=ih:color=white:t=fill` +
    `,drawbox=x=0:y=${height - 1}:w=iw-1:h=1:color=black:t=fill`;

  it.each([
    ['yuv444p', '63x47', 4, '252x188'],
    ['yuv444p', '63x47', 3, '190x142'],
    ['yuv444p', '63x48', 3, '190x144'],
    ['yuv444p', '64x47', 3, '192x142'],
    ['gbrp', '33x17', 4, '132x68'],
    ['gbrp', '33x17', 3, '100x52'],
  ] as const)(
    '%s of %s enlarged x%i is %s and keeps its last column and row',
    async (format, size, scale, expected) => {
      const [width = 0, height = 0] = size.split('x').map(Number);
      const name = `edges-${format}-${size}.mkv`;
      const source = await clip(name, `${edges(width, height)},format=${format}`, '-frames:v', '2', ...LOSSLESS);
      const output = folder.file(`${name}-x${scale}.mp4`);
      await upscale({ input: source, output, scale, crf: 4 });
      expect(await sizeOf(output)).toBe(expected);
      const pictures = await decode(output);
      expect(pictures.frames).toHaveLength(2);
      for (const frame of pictures.frames) {
        const edge = (scale - 0.5) / pictures.width;
        const floor = (scale - 0.5) / pictures.height;
        expect(meanOf(pictures, frame, [1 - edge, 0.2, 1, 0.8])).toBeGreaterThan(190);
        expect(meanOf(pictures, frame, [0.2, 1 - floor, 0.8, 1])).toBeLessThan(60);
        expect(Math.abs(meanOf(pictures, frame, [0.2, 0.2, 0.8, 0.8]) - 126)).toBeLessThan(4);
      }
    },
  );

  it.each(['webm', 'mkv'])('a 4:2:0 source of odd size in .%s looks like itself', async (extension) => {
    const encode =
      extension === 'webm' ? ['-c:v', 'libvpx-vp9', '-crf', '10', '-b:v', '0', '-cpu-used', '8'] : LOSSLESS;
    // Scaled up so that the numbers stand in whole blocks, then cut to an odd size.
    const source = await clip(
      `odd.${extension}`,
      `${numbered(128, 96)},crop=127:95:0:0:exact=1`,
      '-frames:v',
      '4',
      ...encode,
    );
    expect(await sizeOf(source)).toBe('127x95');
    const output = folder.file(`odd-${extension}.mp4`);
    await upscale({ input: source, output });
    expect(await sizeOf(output)).toBe('508x380');
    expect(await numbersIn(output)).toEqual(counting(4));
    expect(await worstPsnr(source, output)).toBeGreaterThanOrEqual(30);
  });
});

describe('small pictures', () => {
  it('16x16 is the smallest picture, and is upscaled', async () => {
    const source = await clip('tiny.mp4', 'color=red:s=16x16:r=25', '-frames:v', '3', ...FAST);
    const output = folder.file('tiny-out.mp4');
    await upscale({ input: source, output });
    expect(await sizeOf(output)).toBe('64x64');
    const pictures = await decode(output, { format: 'rgb24' });
    expect(pictures.frames).toHaveLength(3);
    const [red, green, blue] = [0, 1, 2].map((c) =>
      meanOf(pictures, pictures.frames[1] as Uint8Array, [0, 0, 1, 1], c),
    );
    expect(red).toBeGreaterThan(240);
    expect(Math.max(green ?? 255, blue ?? 255)).toBeLessThan(15);
  });

  it.each(['15x16', '16x15', '2x2'])('%s is refused', async (size) => {
    const source = await clip(`too-small-${size}.mkv`, `color=red:s=${size}:r=25`, '-frames:v', '2', ...LOSSLESS);
    const error = await failure({ input: source, output: folder.file('too-small.mp4') });
    expect(error.code).toBe('TSR_INPUT_TOO_SMALL');
    expect(error.message).toContain(size);
  });
});

describe('interlaced sources', () => {
  it.each([
    ['tff', 'mpeg2.ts', ['-c:v', 'mpeg2video', '-q:v', '2', '-flags', '+ilme+ildct', '-top', '1']],
    ['bff', 'mpeg2.mkv', ['-c:v', 'mpeg2video', '-q:v', '2', '-flags', '+ilme+ildct', '-top', '0']],
    [
      'tff',
      'h264.mp4',
      ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '12', '-flags', '+ilme+ildct', '-x264-params', 'tff=1'],
    ],
  ] as const)('%s in %s: as many frames come out as went in, without combs', async (fields, name, encode) => {
    const source = await clip(
      `${fields}-${name}`,
      woven({ order: fields, numbers: 'frame' }),
      '-frames:v',
      '10',
      ...encode,
    );
    const field = fields === 'tff' ? ['tt', 'tb'] : ['bb', 'bt'];
    expect(field).toContain((await videoStream(source)).field_order);
    const output = folder.file(`${fields}-${name}.out.mp4`);

    await upscale({ input: source, output });

    expect(await numbersIn(output)).toEqual(counting(10));
    expect(['progressive', undefined]).toContain((await videoStream(output)).field_order);
    const before = combing(await decode(source));
    expect(before).toBeGreaterThan(15);
    expect(combing(shrunk(await decode(output), 128, 96))).toBeLessThan(before / 3);
  });

  it('progressive sources are left as they are', async () => {
    const source = await clip(
      'stripes.mkv',
      `color=black:s=64x48:r=25,format=yuv420p,geq=lum='if(lt(mod(Y,8),4),200,40)':cb=128:cr=128`,
      ...['-frames:v', '3', ...LOSSLESS],
    );
    const output = folder.file('stripes.mp4');
    await upscale({ input: source, output });
    expect(await worstPsnr(source, output)).toBeGreaterThanOrEqual(30);
  });
});

describe('asked sizes', () => {
  it.each([
    [{ scale: 2 }, '256x192'],
    [{ scale: 3 }, '384x288'],
    [{ scale: 4 }, '512x384'],
    [{ width: 320 }, '320x240'],
    [{ height: 120 }, '160x120'],
    [{ width: 300, height: 100 }, '300x100'],
    [{ width: 64 }, '64x48'],
    [{ width: 1000 }, '1000x750'],
  ])('%j gives %s', async (options, expected) => {
    const source = await plain();
    const output = folder.file(`size-${Object.values(options).join('-')}-${Object.keys(options).join('-')}.mp4`);
    const { start } = await upscale({ input: source, output, ...options });
    expect(await sizeOf(output)).toBe(expected);
    expect(`${start.width}x${start.height}`).toBe(expected);
    expect(await numbersIn(output)).toEqual(counting(4));
  });

  it.each([2, 3, 4])('x%i looks like the source', async (scale) => {
    const source = await plain();
    const output = folder.file(`like-x${scale}.mp4`);
    await upscale({ input: source, output, scale });
    expect(await worstPsnr(source, output)).toBeGreaterThanOrEqual(30);
  });

  it('a size beyond the limit is refused before anything is decoded', async () => {
    const error = await failure({ input: await plain(), output: folder.file('huge.mp4'), height: 15_000 });
    expect(error.code).toBe('TSR_INPUT_TOO_LARGE');
    expect(error.message).toContain('20000x15000');
  });
});
