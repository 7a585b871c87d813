import { readFileSync, writeFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { previewFrame } from '#src/index.js';
import { ffmpeg, streamsOf } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { cameraExif, intoPng, profileFor, withProfile } from '../support/metadata.js';
import { decode, worstPsnr } from '../support/pictures.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
const SIZE = [64, 48] as const;
const RGB = profileFor('RGB ');
/** As those of presses are: more than a segment of JPEG holds. */
const LARGE = profileFor('RGB ', 150_001);
const MODEL = { model: 'tinysr-nano-x2' } as const;

function plain(extension: string, format: string, filters = ''): Promise<string> {
  return folder.made(`plain-${format}.${extension}`, (path) => {
    const source = `testsrc2=s=${SIZE.join('x')},gblur=sigma=1.5${filters}`;
    return ffmpeg('-f', 'lavfi', '-i', source, '-frames:v', '1', '-pix_fmt', format, '-q:v', '2', '-update', '1', path);
  });
}

const FORMAT: Readonly<Record<string, string>> = { jpg: 'yuvj444p', webp: 'yuv420p' };

async function profiled(extension: string, profile: Buffer, format = FORMAT[extension] ?? 'rgb24'): Promise<string> {
  const path = folder.file(`${format}-${profile.length}-${profile.toString('latin1', 16, 20).trim()}.${extension}`);
  withProfile(await plain(extension, format), path, profile, SIZE);
  return path;
}

/** The profile that a picture holds, as ICC.1 says where it is. */
function profileIn(path: string): Buffer | undefined {
  const file = readFileSync(path);
  if (path.endsWith('.png')) {
    const at = file.indexOf('iCCP');
    if (at < 0) return undefined;
    const body = file.subarray(at + 4, at + 4 + file.readUInt32BE(at - 4));
    return inflateSync(body.subarray(body.indexOf(0) + 2));
  }
  if (path.endsWith('.jpg')) {
    const pieces: Buffer[] = [];
    for (let at = file.indexOf('ICC_PROFILE\0'); at >= 0; at = file.indexOf('ICC_PROFILE\0', at + 1))
      pieces.push(file.subarray(at + 14, at - 2 + file.readUInt16BE(at - 2)));
    return pieces.length ? Buffer.concat(pieces) : undefined;
  }
  if (path.endsWith('.webp')) {
    const at = file.indexOf('ICCP');
    // Behind the first chunk, which says that it is there.
    expect(at < 0 || (at === 30 && ((file[20] ?? 0) & 0x20) !== 0)).toBe(true);
    expect(file.readUInt32LE(4)).toBe(file.length - 8);
    return at < 0 ? undefined : file.subarray(at + 8, at + 8 + file.readUInt32LE(at + 4));
  }
  const directory = file.readUInt32LE(4);
  for (let at = directory + 2; at < directory + 2 + 12 * file.readUInt16LE(directory); at += 12) {
    const from = file.readUInt32LE(at + 8);
    if (file.readUInt16LE(at) === 34_675) return file.subarray(from, from + file.readUInt32LE(at + 4));
  }
  return undefined;
}

describe('a colour profile', () => {
  it.each([
    ['jpg', 'webp', LARGE],
    ['jpg', 'tif', RGB],
    ['jpg', 'png', RGB],
    ['png', 'webp', RGB],
    ['png', 'jpg', LARGE],
    ['webp', 'tif', LARGE],
    ['webp', 'webp', RGB],
    ['tif', 'png', RGB],
    ['tif', 'tif', LARGE],
  ])('goes from %s into %s', async (from, to, profile) => {
    const input = await profiled(from, profile);
    const output = folder.file(`${from}-${profile.length}.out.${to}`);
    const { warnings } = await upscale({ input, output, ...MODEL });
    expect(warnings).toEqual([]);
    expect(profileIn(output)?.equals(profile)).toBe(true);
    expect(await worstPsnr(input, output, 'rgb24')).toBeGreaterThan(25);
  });

  it('goes into a WebP together with camera, time and transparency', async () => {
    const clear = await plain('png', 'rgba', ",format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='4*X'");
    const [exif, input] = [folder.file('exif.png'), folder.file('all.png')];
    intoPng(clear, exif, 'eXIf', cameraExif('MM', { turn: 1, size: SIZE }));
    withProfile(exif, input, RGB, SIZE);
    for (const crf of [0, 20]) {
      const output = folder.file(`all-${crf}.webp`);
      const { warnings } = await upscale({ input, output, crf, ...MODEL });
      expect(warnings).toEqual([]);
      expect(profileIn(output)?.equals(RGB)).toBe(true);
      expect((readFileSync(output)[20] ?? 0) & 0x38).toBe(0x38);
      expect(readFileSync(output).includes('Voigtlaender')).toBe(true);
      const alpha = await ffmpeg('-i', output, '-vf', 'format=gbrap,extractplanes=a', '-f', 'rawvideo', '-');
      expect(alpha[5]).toBeLessThan(40);
      expect(alpha[122]).toBeGreaterThan(200);
    }
  });

  it.each([
    ['png', 'GRAY', 'gray', 'png', undefined],
    ['png', 'GRAY', 'gray', 'tif', undefined],
    ['png', 'GRAY', 'gray', 'jpg', /one for GRAY: PNG and TIFF/],
    ['png', 'RGB ', 'gray', 'png', /one for RGB/],
    ['png', 'RGB ', 'ya8', 'png', /one for RGB/],
    ['png', 'RGB ', 'gray', 'jpg', undefined],
    ['jpg', 'CMYK', 'yuvj444p', 'png', /one for CMYK/],
  ] as const)(
    'of a %s (%s in %s) goes into %s only if it is one for its colours',
    async (from, space, format, to, said) => {
      const profile = profileFor(space);
      const input = await profiled(from, profile, format);
      const output = folder.file(`${space.trim()}-${format}.out.${to}`);
      const { warnings } = await upscale({ input, output, ...MODEL });
      expect(warnings).toEqual(said ? [expect.stringMatching(said)] : []);
      expect(profileIn(output)?.equals(profile) ?? false).toBe(!said);
    },
  );

  it.each(['dpx', 'mp4'])('is told of where %s has no place for it', async (extension) => {
    const output = folder.file(`none.${extension}`);
    const { warnings } = await upscale({ input: await profiled('png', RGB), output, ...MODEL });
    expect(warnings).toEqual([expect.stringContaining('colour profile')]);
  });

  it('is kept by numbered pictures where the encoder writes it, and told of elsewhere', async () => {
    withProfile(await plain('png', 'rgb24'), folder.file('n1.png'), RGB, SIZE);
    const input = folder.file('n%d.png');
    const kept = await upscale({ input, output: folder.file('kept/%d.png'), ...MODEL });
    expect([kept.warnings, profileIn(folder.file('kept/1.png'))?.equals(RGB)]).toEqual([[], true]);
    const { warnings } = await upscale({ input, output: folder.file('lost/%d.webp'), ...MODEL });
    expect(warnings).toEqual([expect.stringContaining('PNG and JPEG keep it')]);
  });

  it.each([
    ['shorter than it says', Buffer.concat([RGB.subarray(0, 200)])],
    ['none by its name', Buffer.from(RGB).fill(0, 36, 40)],
  ])('that is broken is dropped and told of: %s', async (name, profile) => {
    const input = folder.file(`${name}.png`);
    withProfile(await plain('png', 'rgb24'), input, profile, SIZE);
    const output = folder.file(`${name}.webp`);
    const { warnings } = await upscale({ input, output, ...MODEL });
    expect(warnings).toEqual([expect.stringContaining('it is broken')]);
    expect(profileIn(output)).toBeUndefined();
  });
});

describe('before | after', () => {
  it.each(['png', 'jpg', 'webp', 'tif'])('keeps the colour profile in %s', async (to) => {
    const [input, output] = [await profiled('png', LARGE), folder.file(`compared.${to}`)];
    const { warnings } = await upscale({ input, output, compare: true, ...MODEL });
    expect([warnings, profileIn(output)?.equals(LARGE)]).toEqual([[], true]);
    expect(await worstPsnr(input, output, 'rgb24')).toBeGreaterThan(20);
    const plainOutput = folder.file(`compared-plain.${to}`);
    await upscale({ input: await plain('png', 'rgb24'), output: plainOutput, compare: true, ...MODEL });
    const [kept, without] = [await decode(output, { format: 'rgb24' }), await decode(plainOutput, { format: 'rgb24' })];
    expect(Buffer.compare(kept.frames[0] ?? Buffer.of(), without.frames[0] ?? Buffer.of(1))).toBe(0);
  });

  it('keeps that of every numbered picture', async () => {
    const plainPicture = await plain('png', 'rgb24');
    for (const [number, profile] of [RGB, LARGE].entries())
      withProfile(plainPicture, folder.file(`both${number}.png`), profile, SIZE);
    const [input, output] = [folder.file('both%d.png'), folder.file('both/%d.png')];
    const { warnings } = await upscale({ input, output, compare: true, ...MODEL });
    expect(warnings).toEqual([]);
    expect(profileIn(folder.file('both/0.png'))?.equals(RGB)).toBe(true);
    expect(profileIn(folder.file('both/1.png'))?.equals(LARGE)).toBe(true);
  });

  it('of a grey picture has colours, and drops its profile with a warning', async () => {
    const input = await profiled('png', profileFor('GRAY'), 'gray');
    const output = folder.file('compared-grey.png');
    const { warnings } = await upscale({ input, output, compare: true, ...MODEL });
    expect(warnings).toEqual([expect.stringMatching(/one for GRAY, and a comparison has colours$/)]);
    expect(profileIn(output)).toBeUndefined();
  });
});

describe('a preview', () => {
  const preview = (input: string, output: string, options = {}) =>
    previewFrame({ input, output, frame: 0, device: 'cpu', threads: 2, ...MODEL, ...options });

  it.each([
    ['png', {}],
    ['jpg', { compare: true }],
    ['webp', { compare: true }],
    ['tif', {}],
  ])('of %s keeps the colour profile: %o', async (from, options) => {
    const [input, output] = [await profiled(from, LARGE), folder.file(`preview-${from}.png`)];
    expect(await preview(input, output, options)).toEqual([]);
    expect(profileIn(output)?.equals(LARGE)).toBe(true);
    // As other programs read it, too.
    expect((await streamsOf(output, 'video'))[0]?.pix_fmt).toBe('rgb24');
    expect(await worstPsnr(input, output, 'rgb24')).toBeGreaterThan(20);
  });

  it('of a numbered picture keeps that of this one', async () => {
    const plainPicture = await plain('png', 'rgb24');
    withProfile(plainPicture, folder.file('own0.png'), RGB, SIZE);
    withProfile(plainPicture, folder.file('own1.png'), LARGE, SIZE);
    writeFileSync(folder.file('own2.png'), readFileSync(plainPicture));
    for (const [frame, profile] of [RGB, LARGE, undefined].entries()) {
      const output = folder.file(`own-${frame}.out.png`);
      expect(await preview(folder.file('own%d.png'), output, { frame })).toEqual([]);
      expect(profileIn(output)).toEqual(profile);
    }
  });

  it('tells of one that is not for its colours', async () => {
    const output = folder.file('preview-grey.png');
    const warnings = await preview(await profiled('png', profileFor('GRAY'), 'gray'), output);
    expect(warnings).toEqual([expect.stringMatching(/one for GRAY, and a preview has colours$/)]);
    expect(profileIn(output)).toBeUndefined();
  });

  it('of a video has none', async () => {
    const input = await folder.made('video.mkv', (path) =>
      ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48', '-frames:v', '1', '-c:v', 'ffv1', path),
    );
    const output = folder.file('preview-video.png');
    expect([await preview(input, output), profileIn(output)]).toEqual([[], undefined]);
  });
});

describe('a palette', () => {
  it('without transparency stays without', async () => {
    const input = await plain('png', 'pal8');
    const output = folder.file('palette.jpg');
    const { warnings } = await upscale({ input, output, ...MODEL });
    expect(warnings).toEqual([]);
    const png = folder.file('palette.png');
    await upscale({ input, output: png, ...MODEL });
    expect((await streamsOf(png, 'video'))[0]?.pix_fmt).toBe('rgb24');
  });
});

describe("a press's four inks", () => {
  /** 16x16 in one colour of no cyan, 80 % magenta and yellow, 20 % black; no encoder here writes such. */
  const JPEG =
    '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAWEBETFBUVFQwPFxgWFBgSFBUU/8AAFAgAEAAQBEMRAE0RAFkRAEsRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAAICf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAOBEMATQBZAEsAAD8A1TRkjJZYAAAD/9k=';

  it('become RGB with a warning, and are no transparency', async () => {
    const input = folder.file('inks.jpg');
    writeFileSync(input, Buffer.from(JPEG, 'base64'));
    const output = folder.file('inks.png');
    const { warnings } = await upscale({ input, output, ...MODEL });
    expect(warnings).toEqual([expect.stringContaining('four inks (CMYK)')]);
    const { frames } = await decode(output, { format: 'rgb24' });
    for (const [channel, wanted] of [204, 41, 41].entries())
      expect(Math.abs((frames[0]?.[channel] ?? 0) - wanted)).toBeLessThan(6);
    expect((await streamsOf(output, 'video'))[0]?.pix_fmt).toBe('rgb24');
  });

  it('are known in TIFF', async () => {
    const file = Buffer.from(readFileSync(await plain('tif', 'rgba')));
    // What its samples are: a short number.
    const at = file.indexOf(Buffer.from([0x06, 0x01, 0x03, 0x00, 0x01]));
    expect(file.readUInt16LE(at + 8)).toBe(2);
    file.writeUInt16LE(5, at + 8);
    const input = folder.file('inks.tif');
    writeFileSync(input, file);
    const { warnings } = await upscale({ input, output: folder.file('inks.jpg.png'), ...MODEL });
    expect(warnings).toEqual([expect.stringContaining('four inks (CMYK)')]);
  });
});
