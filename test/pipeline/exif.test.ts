import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ffmpeg, frameTags, videoStream } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { cameraExif, extendedWebp, intoJpeg, intoPng } from '../support/metadata.js';
import { decode, psnr } from '../support/pictures.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
const SIZE = [64, 48] as const;

function plain(extension: string, format = 'rgb24'): Promise<string> {
  return folder.made(`plain-${format}.${extension}`, (path) => {
    const source = `testsrc2=s=${SIZE.join('x')},gblur=sigma=1.5`;
    return ffmpeg('-f', 'lavfi', '-i', source, '-frames:v', '1', '-pix_fmt', format, '-update', '1', path);
  });
}

/** A picture with Exif, by its extension. */
async function withExif(extension: string, exif: Buffer, id = ''): Promise<string> {
  const path = folder.file(`exif${id}.${extension}`);
  const marked = Buffer.concat([Buffer.from('Exif\0\0'), exif]);
  if (extension === 'jpg') intoJpeg(await plain('jpg', 'yuvj444p'), path, 0xffe1, marked);
  if (extension === 'png') intoPng(await plain('png'), path, 'eXIf', exif);
  if (extension === 'webp')
    extendedWebp(await plain('webp', 'yuv420p'), path, { flags: 0x08, size: SIZE, chunks: [['EXIF', marked]] });
  return path;
}

/** What ffmpeg finds of it in JPEG and WebP; of PNG it is asked by way of a JPEG that takes the block over. */
async function said(path: string): Promise<Record<string, string>> {
  let file = path;
  if (path.endsWith('.png')) {
    const bytes = await readFile(path);
    const at = bytes.indexOf('eXIf');
    if (at < 0) return {};
    file = `${path}.exif.jpg`;
    const exif = bytes.subarray(at + 4, at + 4 + Math.min(bytes.readUInt32BE(at - 4), 512));
    intoJpeg(await plain('jpg', 'yuvj444p'), file, 0xffe1, Buffer.concat([Buffer.from('Exif\0\0'), exif]));
  }
  return Object.fromEntries(Object.entries(await frameTags(file)).map(([name, text]) => [name, text.trim()]));
}

describe('camera, time and place', () => {
  it.each([
    ['jpg', 'jpg', 'II'],
    ['jpg', 'png', 'MM'],
    ['jpg', 'webp', 'II'],
    ['png', 'jpg', 'MM'],
    ['webp', 'webp', 'MM'],
    ['webp', 'png', 'II'],
  ] as const)('go from %s to %s (%s)', async (from, to, order) => {
    const source = await withExif(from, cameraExif(order, { turn: 6, size: SIZE }), `${order}-${to}`);
    const output = folder.file(`${from}-${order}.out.${to}`);
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toEqual([]);
    // Upright, as it says now.
    expect(await videoStream(output)).toMatchObject({ width: 192, height: 256 });
    expect((await videoStream(output)).side_data_list).toBeUndefined();
    expect(await said(output)).toMatchObject({
      ...{ Make: 'Voigtlaender', DateTimeOriginal: '1969:07:20 20:17:40', Orientation: '1' },
      ...{ PixelXDimension: '192', PixelYDimension: '256' },
    });
    // The picture is the one that it is without them.
    const bare = folder.file(`${from}-${order}.bare.${to}`);
    const turned = folder.file(`${from}-${order}.turned.png`);
    await ffmpeg(
      '-i',
      await plain(from, from === 'jpg' ? 'yuvj444p' : from === 'webp' ? 'yuv420p' : 'rgb24'),
      '-vf',
      'transpose=1',
      turned,
    );
    await upscale({ input: turned, output: bare });
    const [shown, wanted] = [await decode(output, { format: 'rgb24' }), await decode(bare, { format: 'rgb24' })];
    expect(psnr(shown.frames[0] as Uint8Array, wanted.frames[0] as Uint8Array)).toBeGreaterThan(30);
    expect(
      (await ffmpeg('-xerror', '-err_detect', 'crccheck+bitstream+buffer+explode', '-i', output, '-f', 'null', '-'))
        .length,
    ).toBe(0);
  });

  it('go into a WebP with transparency, lossless or not', async () => {
    const source = folder.file('clear.png');
    const clear = await folder.made('clear-plain.png', (path) =>
      ffmpeg(
        '-f',
        'lavfi',
        '-i',
        `testsrc2=s=64x48,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='4*X'`,
        '-frames:v',
        '1',
        path,
      ),
    );
    intoPng(clear, source, 'eXIf', cameraExif('MM', { turn: 1, size: SIZE }));
    for (const crf of [0, 20]) {
      const output = folder.file(`clear-${crf}.webp`);
      await upscale({ input: source, output, crf });
      expect((await said(output)).Make).toBe('Voigtlaender');
      const alpha = await ffmpeg('-i', output, '-vf', 'format=gbrap,extractplanes=a', '-f', 'rawvideo', '-');
      expect(alpha[10]).toBeLessThan(40);
      expect(alpha[250]).toBeGreaterThan(200);
      const bytes = readFileSync(output);
      expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
    }
  });

  it('are told of where the output is given none', async () => {
    const source = await withExif('jpg', cameraExif('II', { turn: 1, size: SIZE }));
    const { warnings } = await upscale({ input: source, output: folder.file('out.tif') });
    expect(warnings).toEqual([expect.stringMatching(/Exif\) are dropped: TIFF is given none/)]);
  });

  it.each([
    ['a directory beyond the end', (exif: Buffer) => exif.writeUInt32LE(0xfffffff0, 4)],
    ['an inner directory beyond the end', (exif: Buffer) => exif.writeUInt32LE(511, 8 + 2 + 24 + 8)],
    ['more entries than there is room for', (exif: Buffer) => exif.writeUInt16LE(0xffff, 8)],
    ['another beginning', (exif: Buffer) => exif.write('XX')],
  ])('are dropped with a warning where they are broken: %s', async (name, spoil) => {
    const exif = cameraExif('II', { turn: 1, size: SIZE });
    spoil(exif);
    const source = await withExif('jpg', exif, name.replaceAll(' ', '-'));
    const output = folder.file('broken.jpg');
    const { warnings } = await upscale({ input: source, output, overwrite: true });
    expect(warnings).toEqual([expect.stringContaining('cannot be read')]);
    expect(await said(output)).toEqual({});
  });

  it('are dropped with a warning where JPEG has no room for so much', async () => {
    const exif = Buffer.concat([cameraExif('MM', { turn: 1, size: SIZE }), Buffer.alloc(70_000)]);
    const source = await withExif('png', exif, '-large');
    const { warnings } = await upscale({ input: source, output: folder.file('large.jpg') });
    expect(warnings).toEqual([expect.stringMatching(/70512 bytes are more than JPEG holds/)]);
    const { warnings: none } = await upscale({ input: source, output: folder.file('large.png') });
    expect(none).toEqual([]);
    expect((await said(folder.file('large.png'))).Make).toBe('Voigtlaender');
  });

  it.each(['II', 'MM'] as const)('tell no old size and turn in whichever way they were told (%s)', async (order) => {
    const exif = cameraExif(order, { turn: 6, size: SIZE });
    const little = order === 'II';
    const short = (value: number, at: number) =>
      little ? exif.writeUInt16LE(value, at) : exif.writeUInt16BE(value, at);
    const long = (value: number, at: number) =>
      little ? exif.writeUInt32LE(value, at) : exif.writeUInt32BE(value, at);
    // The turn as a number of four bytes; the width in the first directory, as some phones have it, for the maker.
    short(4, 10 + 12 + 2);
    long(6, 10 + 12 + 8);
    short(0x0100, 10);
    short(3, 10 + 2);
    long(1, 10 + 4);
    long(0, 10 + 8);
    short(SIZE[0], 10 + 8);
    const source = await withExif('png', exif, `-other-${order}`);
    const output = folder.file(`other-${order}.jpg`);
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toEqual([]);
    expect(await videoStream(output)).toMatchObject({ width: 192, height: 256 });
    expect((await videoStream(output)).side_data_list).toBeUndefined();
    expect(await said(output)).toMatchObject({ ImageWidth: '192', PixelYDimension: '256', Orientation: '1' });
  });

  it('are found behind a picture of many pieces', async () => {
    const bytes = readFileSync(await plain('png'));
    const source = folder.file('pieces.png');
    const piece = folder.file('piece.png');
    const exif = cameraExif('MM', { turn: 1, size: SIZE });
    // Empty pieces are as good as others; Exif comes behind them, as some programs write it.
    intoPng(await plain('png'), piece, 'IDAT', Buffer.alloc(0));
    const empty = readFileSync(piece).subarray(33, 45);
    intoPng(await plain('png'), piece, 'eXIf', exif);
    const chunk = readFileSync(piece).subarray(33, 33 + 12 + exif.length);
    const pieces = Array.from({ length: 3000 }, () => empty);
    const end = bytes.length - 12;
    writeFileSync(source, Buffer.concat([bytes.subarray(0, end), ...pieces, chunk, bytes.subarray(end)]));
    const output = folder.file('pieces.jpg');
    await upscale({ input: source, output });
    expect((await said(output)).Make).toBe('Voigtlaender');
  });

  it('are told of where there are more than anybody writes', async () => {
    const exif = Buffer.concat([cameraExif('MM', { turn: 1, size: SIZE }), Buffer.alloc(1 << 20)]);
    const source = await withExif('png', exif, '-huge');
    const { warnings } = await upscale({ input: source, output: folder.file('huge.png') });
    expect(warnings).toEqual([expect.stringContaining('cannot be read')]);
  });

  it('are not looked for in what only begins as a picture', async () => {
    const source = folder.file('short.jpg');
    const whole = readFileSync(await plain('jpg', 'yuvj444p'));
    // A segment that ends behind the file.
    writeFileSync(
      source,
      Buffer.concat([whole.subarray(0, 2), Buffer.from('ffe1ffff', 'hex'), Buffer.from('Exif\0\0')]),
    );
    await expect(upscale({ input: source, output: folder.file('short.png') })).rejects.toMatchObject({
      code: expect.stringMatching(/^TSR_INPUT/),
    });
  });
});
