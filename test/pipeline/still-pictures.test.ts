import { appendFileSync, copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ffmpeg, videoStream } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { extendedWebp, hollowPng, intoJpeg, intoPng, orientationBlock, turnedTiff } from '../support/metadata.js';
import { decode, meanOf, psnr, shrunk, worstPsnr } from '../support/pictures.js';
import { failure, upscale } from '../support/upscale.js';

const folder = testFolder();
const [WIDTH, HEIGHT] = [64, 48];
/** Soft shapes, so that enlarged and made small again they are nearly what they were. */
const SHAPES = `testsrc2=s=${WIDTH}x${HEIGHT},gblur=sigma=1.5`;

/** A picture by its extension, in a pixel format. */
function picture(extension: string, format = 'rgb24', filters = SHAPES): Promise<string> {
  return folder.made(`source-${format}-${crc32(filters)}.${extension}`, (path) =>
    ffmpeg('-f', 'lavfi', '-i', filters, '-frames:v', '1', '-pix_fmt', format, '-q:v', '2', '-update', '1', path),
  );
}

/** Samples of one plane, of 16 bits. */
async function deepSamples(path: string, plane: string): Promise<Uint16Array> {
  const data = await ffmpeg('-i', path, '-vf', `format=gbrap16le,extractplanes=${plane}`, '-f', 'rawvideo', '-');
  return new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
}

async function alphaOf(path: string): Promise<Buffer> {
  return ffmpeg('-i', path, '-vf', 'format=gbrap,extractplanes=a', '-f', 'rawvideo', '-');
}

const CLEAR = `${SHAPES},format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='4*X'`;

describe('one picture', () => {
  it.each([
    ['png', 'png', 'rgb24'],
    ['jpg', 'mjpeg', 'yuvj444p'],
    ['webp', 'webp', 'yuv420p'],
    ['tif', 'tiff', 'rgb24'],
    ['dpx', 'dpx', 'rgb24'],
  ])('becomes one picture: %s', async (extension, codec, format) => {
    const [source, output] = [await picture('png'), folder.file(`out.${extension}`)];
    const { done, start, warnings } = await upscale({ input: source, output });
    expect(await videoStream(output)).toMatchObject({ codec_name: codec, width: 256, height: 192, pix_fmt: format });
    expect(await worstPsnr(source, output, 'rgb24')).toBeGreaterThan(27);
    expect(done.frames).toBe(1);
    expect(start.totalFrames).toBe(1);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['jpg', 'yuvj420p'],
    ['webp', 'yuv420p'],
    ['tif', 'rgb24'],
    ['bmp', 'bgr24'],
    ['dpx', 'gbrp10le'],
  ])('is read whatever it is: %s', async (extension, format) => {
    const [source, output] = [await picture(extension, format), folder.file(`from-${extension}.png`)];
    await upscale({ input: source, output });
    expect(await worstPsnr(source, output, 'rgb24')).toBeGreaterThan(27);
  });

  it('is known by what is in it and not by its name', async () => {
    const named = folder.file('picture.mp4');
    copyFileSync(await picture('jpg', 'yuvj420p'), named);
    const { start } = await upscale({ input: named, output: folder.file('named.png') });
    expect(start).toMatchObject({ sourceWidth: WIDTH, encoder: 'png' });
  });

  it('keeps odd sizes', async () => {
    const source = await picture('png', 'rgb24', `${SHAPES},format=rgb24,crop=33:35:0:0:exact=1`);
    for (const extension of ['png', 'jpg', 'webp']) {
      const output = folder.file(`odd.${extension}`);
      await upscale({ input: source, output });
      expect(await videoStream(output)).toMatchObject({ width: 132, height: 140 });
      expect(await worstPsnr(source, output, 'rgb24')).toBeGreaterThan(25);
    }
  });

  it.each(['png', 'tif'])('keeps sixteen bits: %s', async (extension) => {
    const ramp = `color=black:s=${WIDTH}x${HEIGHT},format=gbrp16le,geq=g='20000+X*9+Y*3':b='X*900':r='Y*1000'`;
    const [source, output] = [await picture(extension, 'rgb48', ramp), folder.file(`deep.${extension}`)];
    await upscale({ input: source, output });
    expect((await videoStream(output)).pix_fmt).toMatch(/^rgb48/);
    // A ramp of less than three steps of eight bits.
    const green = await deepSamples(output, 'g');
    expect(new Set(green).size).toBeGreaterThan(100);
    expect(green[96 * 256 + 128]).toBeGreaterThan(20_000);
    expect(green[96 * 256 + 128]).toBeLessThan(21_000);
  });

  it('becomes shallow where that is asked for, or the format holds no more', async () => {
    const source = await picture('png', 'rgb48');
    const asked = await upscale({ input: source, output: folder.file('asked.png'), depth: 8 });
    expect((await videoStream(folder.file('asked.png'))).pix_fmt).toBe('rgb24');
    expect(asked.warnings).toEqual(['16-bit samples become 8-bit']);
    const jpeg = await upscale({ input: source, output: folder.file('shallow.jpg') });
    expect(jpeg.warnings).toEqual(['16-bit samples become 8-bit, JPEG holds no more: PNG and TIFF do']);
  });

  it('stays grey', async () => {
    const source = await picture('png', 'gray');
    await upscale({ input: source, output: folder.file('grey.png') });
    expect((await videoStream(folder.file('grey.png'))).pix_fmt).toBe('gray');
    expect(await worstPsnr(source, folder.file('grey.png'), 'rgb24')).toBeGreaterThan(27);
  });

  it.each([
    ['png', 'rgba'],
    ['tif', 'rgba'],
    ['webp', 'yuva420p'],
  ])('keeps its transparency: %s', async (extension, format) => {
    const [source, output] = [await picture('png', 'rgba', CLEAR), folder.file(`clear.${extension}`)];
    const { warnings } = await upscale({ input: source, output });
    expect((await videoStream(output)).pix_fmt).toBe(format);
    const alpha = await alphaOf(output);
    // Four for each column of the source, whose middle is a pixel and a half behind its edge.
    for (const x of [50, 101, 202]) expect(Math.abs((alpha[100 * 256 + x] ?? 0) - (x - 1.5))).toBeLessThanOrEqual(2);
    expect(await worstPsnr(source, output, 'rgb24')).toBeGreaterThan(27);
    expect(warnings).toEqual([]);
  });

  it('keeps transparency of sixteen bits, and of grey', async () => {
    const fine = `${SHAPES},format=gbrap16le,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='30000+X*10'`;
    await upscale({ input: await picture('png', 'rgba64', fine), output: folder.file('fine.png') });
    const alpha = await deepSamples(folder.file('fine.png'), 'a');
    expect(new Set(alpha).size).toBeGreaterThan(100);
    await upscale({ input: await picture('png', 'ya8', CLEAR), output: folder.file('grey-clear.png') });
    expect((await videoStream(folder.file('grey-clear.png'))).pix_fmt).toBe('ya8');
  });

  it('says that transparency is lost where there is no room for it', async () => {
    const input = await picture('png', 'rgba', CLEAR);
    const jpeg = await upscale({ input, output: folder.file('opaque.jpg') });
    expect(jpeg.warnings).toEqual([expect.stringContaining('transparency is dropped: JPEG has none')]);
    const video = await upscale({ input, output: folder.file('opaque.mp4') });
    expect(video.warnings).toEqual([expect.stringContaining('transparency is dropped')]);
  });

  it('takes the quality of JPEG and WebP', async () => {
    const input = await picture('png');
    for (const extension of ['jpg', 'webp']) {
      const [fine, coarse] = [folder.file(`fine.${extension}`), folder.file(`coarse.${extension}`)];
      await upscale({ input, output: fine, crf: 2 });
      await upscale({ input, output: coarse, crf: 30 });
      expect(statSync(coarse).size).toBeLessThan(statSync(fine).size);
    }
  });

  it('shows before and after', async () => {
    const [source, output] = [await picture('png'), folder.file('compared.png')];
    await upscale({ input: source, output, compare: true });
    const { frames, ...shape } = await decode(output, { format: 'rgb24' });
    expect(shape).toMatchObject({ width: 256, height: 192 });
    for (const channel of [0, 1, 2])
      expect(meanOf(shape, frames[0] as Uint8Array, [126 / 256, 0, 128 / 256, 1], channel)).toBe(255);
  });

  it('becomes a video of one frame', async () => {
    const { done } = await upscale({ input: await picture('jpg', 'yuvj420p'), output: folder.file('still.mp4') });
    expect(done.frames).toBe(1);
    expect(await worstPsnr(await picture('jpg', 'yuvj420p'), folder.file('still.mp4'), 'rgb24')).toBeGreaterThan(24);
  });

  it('is taken out of a video', async () => {
    const video = await folder.made('three.mp4', (path) => ffmpeg('-f', 'lavfi', '-i', SHAPES, '-frames:v', '3', path));
    await upscale({ input: video, output: folder.file('taken.png'), frames: 1 });
    expect(await videoStream(folder.file('taken.png'))).toMatchObject({ width: 256, height: 192 });
    const error = await failure({ input: video, output: folder.file('all.png') });
    expect(error).toMatchObject({ code: 'TSR_OUTPUT_FORMAT', hint: expect.stringContaining('%06d') });
  });

  it('is the first of those that a phone puts into one file', async () => {
    const [main, both] = [await picture('jpg', 'yuvj420p'), folder.file('both.jpg')];
    copyFileSync(main, both);
    appendFileSync(both, readFileSync(await picture('jpg', 'yuvj420p', 'color=red:s=32x24')));
    const { done } = await upscale({ input: both, output: folder.file('both.png') });
    expect(done.frames).toBe(1);
    await upscale({ input: main, output: folder.file('main.png') });
    expect(readFileSync(folder.file('both.png'))).toEqual(readFileSync(folder.file('main.png')));
  });
});

describe('what a picture says of itself', () => {
  /** A picture that asks to be turned, made from one that does not. */
  const TURNED: Readonly<Record<string, (orientation: number, to: string) => Promise<void>>> = {
    jpg: async (orientation, to) =>
      intoJpeg(
        await picture('jpg', 'yuvj444p'),
        to,
        0xffe1,
        Buffer.concat([Buffer.from('Exif\0\0'), orientationBlock(orientation)]),
      ),
    png: async (orientation, to) => intoPng(await picture('png'), to, 'eXIf', orientationBlock(orientation)),
    tif: async (orientation, to) => turnedTiff(await picture('tif'), to, orientation),
    webp: async (orientation, to) =>
      extendedWebp(await picture('webp', 'yuv420p'), to, {
        ...{ flags: 0x08, size: [WIDTH, HEIGHT] },
        chunks: [['EXIF', orientationBlock(orientation)]],
      }),
  };
  const FORMATS: Readonly<Record<string, string>> = { jpg: 'yuvj444p', webp: 'yuv420p' };

  it.each([
    ...[2, 3, 5, 6, 8].map((orientation) => ['jpg', orientation] as const),
    ...[6, 7].flatMap((orientation) => ['png', 'tif', 'webp'].map((extension) => [extension, orientation] as const)),
  ])('turns it upright: %s, orientation %i', async (extension, orientation) => {
    const filters = [
      '',
      '',
      'hflip',
      'hflip,vflip',
      'vflip',
      'transpose=0',
      'transpose=1',
      'transpose=3',
      'transpose=2',
    ];
    const source = folder.file(`turn-${orientation}.${extension}`);
    await TURNED[extension]?.(orientation, source);
    const output = folder.file(`turned-${orientation}-${extension}.png`);
    await upscale({ input: source, output });
    const sideways = orientation >= 5;
    expect(await videoStream(output)).toMatchObject(
      sideways ? { width: 192, height: 256 } : { width: 256, height: 192 },
    );
    const result = await decode(output, { format: 'rgb24' });
    const plain = await picture(extension, FORMATS[extension] ?? 'rgb24');
    const upright = await decode(plain, {
      ...{ format: 'rgb24', filters: filters[orientation] ?? '' },
      size: sideways ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT],
    });
    const back = shrunk(result, upright.width, upright.height);
    expect(psnr(upright.frames[0] as Uint8Array, back.frames[0] as Uint8Array)).toBeGreaterThan(25);
  });
});

describe('a picture that cannot be upscaled', () => {
  it('is told of: animated WebP, which is no picture', async () => {
    const input = folder.file('animated.webp');
    extendedWebp(await picture('webp', 'yuv420p'), input, { flags: 0x02, size: [WIDTH, HEIGHT], chunks: [] });
    const error = await failure({ input, output: folder.file('animated.png') });
    expect(error).toMatchObject({ code: 'TSR_INPUT_INVALID', message: expect.stringContaining('animated WebP') });
  });

  it.each([
    [30_000, 30_000],
    [16_384, 8_700],
    [40_000, 16],
  ])('is told of: a header of %i by %i pixels', async (width, height) => {
    const input = folder.file(`hollow-${width}.png`);
    hollowPng(input, width, height);
    expect(await failure({ input, output: folder.file('hollow.png') })).toMatchObject({ code: 'TSR_INPUT_TOO_LARGE' });
  });

  it('is told of: too large when it is enlarged', async () => {
    const input = folder.file('wide.png');
    hollowPng(input, 5000, 100);
    const error = await failure({ input, output: folder.file('wide-out.png') });
    expect(error).toMatchObject({ code: 'TSR_INPUT_TOO_LARGE', message: expect.stringContaining('20000x400') });
  });

  it('is told of: cut off in its middle', async () => {
    const noise = `${SHAPES},noise=alls=40:all_seed=3`;
    const [png, jpeg] = [folder.file('cut.png'), folder.file('cut.jpg')];
    copyFileSync(await picture('png', 'rgb24', noise), png);
    copyFileSync(await picture('jpg', 'yuvj420p', noise), jpeg);
    for (const file of [png, jpeg]) truncateSync(file, Math.round(statSync(file).size / 2));
    expect(await failure({ input: png, output: folder.file('cut-out.png') })).toMatchObject({ exitCode: 3 });
    const { warnings } = await upscale({ input: jpeg, output: folder.file('half.png') });
    expect(warnings).toEqual([expect.stringContaining('damaged')]);
    const strict = await failure({ input: jpeg, output: folder.file('strict.png'), strict: true });
    expect(strict.code).toBe('TSR_INPUT_DAMAGED');
  });

  it.each([
    ['a playlist', '#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n'],
    ['a list of files', "ffconcat version 1.0\nfile '/etc/hostname'\n"],
    [
      'a drawing',
      '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><image href="file:///etc/hostname"/></svg>',
    ],
  ])('is refused: %s by the name of a picture', async (_, text) => {
    const input = folder.file('hostile.png');
    writeFileSync(input, text);
    expect(await failure({ input, output: folder.file('hostile-out.png') })).toMatchObject({
      code: 'TSR_INPUT_INVALID',
    });
  });

  it('leaves what was there alone, and nothing when it is stopped', async () => {
    const input = await picture('png');
    const target = folder.empty();
    const abort = new AbortController();
    const stopped = await failure({ input, output: `${target}/stopped.png`, signal: abort.signal }, () =>
      abort.abort(),
    );
    expect(stopped.code).toBe('TSR_INTERRUPTED');
    expect(namesIn(target)).toEqual([]);
    writeFileSync(`${target}/there.png`, 'mine');
    expect((await failure({ input, output: `${target}/there.png` })).code).toBe('TSR_OUTPUT_EXISTS');
    expect(readFileSync(`${target}/there.png`, 'utf8')).toBe('mine');
    await upscale({ input, output: `${target}/there.png`, overwrite: true });
    expect(namesIn(target)).toEqual(['there.png']);
    expect((await failure({ input, output: input, overwrite: true })).code).toBe('TSR_OUTPUT_SAME_AS_INPUT');
  });

  it.each([
    ['--codec and the like', { codec: 'h264' }],
    ['--resume', { resume: true }],
    ['--fps', { fps: 25 }],
    ['--steady', { steady: 'light' }],
  ] as const)('is refused with what is for videos and sequences: %s', async (_, options) => {
    const error = await failure({ input: await picture('png'), output: folder.file('refused.png'), ...options });
    expect(error.code).toBe('TSR_USAGE');
  });

  it('is refused: sixteen bits for a video', async () => {
    const error = await failure({ input: await picture('png'), output: folder.file('deep.mp4'), depth: 16 });
    expect(error.code).toBe('TSR_USAGE');
  });
});
