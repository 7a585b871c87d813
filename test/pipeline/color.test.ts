import { describe, expect, it } from 'vitest';
import { ffmpeg, type Stream, videoStream } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { decode, psnr, shrunk } from '../support/pictures.js';
import { failure, upscale } from '../support/upscale.js';

const folder = testFolder();
const SIZE = 'testsrc2=s=96x64:r=25';

interface Tags {
  readonly range: 'tv' | 'pc';
  readonly matrix: string;
  readonly primaries: string;
  readonly transfer: string;
}

/** The matrix as swscale names it. */
const SCALER: Readonly<Record<string, string>> = { smpte170m: 'bt601', bt470bg: 'bt601', bt2020nc: 'bt2020' };

function tagged(name: string, format: string, tags: Tags, ...encode: readonly string[]): Promise<string> {
  const { range, matrix, primaries, transfer } = tags;
  return folder.made(name, (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', `${SIZE},format=gbrp`, '-frames:v', '2'],
      ...['-vf', `scale=out_color_matrix=${SCALER[matrix] ?? matrix}:out_range=${range},format=${format}`],
      ...[
        '-color_range',
        range,
        '-colorspace',
        matrix,
        '-color_primaries',
        primaries,
        '-color_trc',
        transfer === 'bt470bg' ? 'gamma28' : transfer,
      ],
      ...encode,
      path,
    ),
  );
}

function tagsOf({ color_range, color_space, color_primaries, color_transfer }: Stream) {
  return { range: color_range, matrix: color_space, primaries: color_primaries, transfer: color_transfer };
}

/** Lowest PSNR between the colours of source and result, both read by what the tags say. */
async function colorPsnr(source: string, result: string, { matrix, range }: Tags): Promise<number> {
  const filters = `scale=in_color_matrix=${SCALER[matrix] ?? matrix}:in_range=${range}:flags=accurate_rnd+full_chroma_int`;
  const before = await decode(source, { format: 'rgb24', filters });
  const after = shrunk(await decode(result, { format: 'rgb24', filters }), before.width, before.height);
  return Math.min(...before.frames.map((frame, i) => psnr(frame, after.frames[i] ?? new Uint8Array())));
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '10'];
const BT709: Tags = { range: 'tv', matrix: 'bt709', primaries: 'bt709', transfer: 'bt709' };
const NTSC: Tags = { range: 'tv', matrix: 'smpte170m', primaries: 'smpte170m', transfer: 'smpte170m' };
const PAL: Tags = { range: 'tv', matrix: 'bt470bg', primaries: 'bt470bg', transfer: 'bt470bg' };
const WIDE: Tags = { range: 'tv', matrix: 'bt2020nc', primaries: 'bt2020', transfer: 'bt2020-10' };
const full = (tags: Tags): Tags => ({ ...tags, range: 'pc' });

describe('colour tags and ranges', () => {
  it.each([
    ['yuv420p', BT709, 'mp4'],
    ['yuv420p', NTSC, 'mkv'],
    ['yuv420p', PAL, 'mov'],
    ['yuv420p', WIDE, 'mp4'],
    ['yuv420p', full(BT709), 'mp4'],
    ['yuvj420p', full(NTSC), 'mkv'],
    ['yuv422p', BT709, 'mp4'],
    ['yuv444p', NTSC, 'mkv'],
    ['yuv444p', full(BT709), 'mp4'],
  ] as const)('%s with %o in .%s: tags and colours are kept', async (format, tags, extension) => {
    const name = `${format}-${tags.range}-${tags.matrix}`;
    const source = await tagged(`${name}.mkv`, format, tags, ...X264);
    expect(tagsOf(await videoStream(source))).toEqual(tags);
    const output = folder.file(`${name}-out.${extension}`);
    await upscale({ input: source, output, crf: 10 });
    expect(tagsOf(await videoStream(output))).toEqual(tags);
    expect(await colorPsnr(source, output, tags)).toBeGreaterThanOrEqual(26);
  });

  it.each([
    ['bt470m', 'bt470m', 'fcc'],
    ['bt470bg', 'bt470bg', 'bt470bg'],
    ['smpte240m', 'smpte240m', 'smpte240m'],
    ['log100', 'bt2020', 'bt2020c'],
    ['iec61966-2-4', 'smpte431', 'chroma-derived-nc'],
    ['iec61966-2-1', 'smpte432', 'ictcp'],
  ])(
    'transfer %s, primaries %s and matrix %s, by whatever name ffmpeg wants them, are kept',
    async (transfer, primaries, matrix) => {
      const option = { bt470m: 'gamma22', bt470bg: 'gamma28' }[transfer] ?? transfer;
      const source = await folder.made(`names-${transfer}.mkv`, (path) =>
        ffmpeg(
          ...['-f', 'lavfi', '-i', 'color=red:s=16x16', '-frames:v', '1', '-pix_fmt', 'yuv420p', ...X264],
          ...['-color_trc', option, '-color_primaries', primaries, '-colorspace', matrix, path],
        ),
      );
      const tags = { transfer, primaries, matrix };
      expect(tagsOf(await videoStream(source))).toMatchObject(tags);
      const output = folder.file(`names-${transfer}.mp4`);
      await upscale({ input: source, output });
      expect(tagsOf(await videoStream(output))).toMatchObject(tags);
    },
  );

  it.each(['webm', 'mov', 'ts'])('tags are kept in .%s', async (extension) => {
    const source = await tagged('tags.mkv', 'yuv420p', BT709, ...X264);
    const output = folder.file(`tags-out.${extension}`);
    await upscale({ input: source, output, ...(extension === 'mov' && { codec: 'prores' }) });
    const { matrix, primaries, transfer } = tagsOf(await videoStream(output));
    expect(matrix).toBe('bt709');
    // VP9 names its matrix only; Matroska adds the others.
    expect([primaries, transfer]).toEqual(['bt709', 'bt709']);
  });

  it('the place of chroma samples is kept', async () => {
    const source = await tagged('topleft.mkv', 'yuv420p', BT709, ...X264, '-chroma_sample_location', 'topleft');
    expect((await videoStream(source)).chroma_location).toBe('topleft');
    const output = folder.file('topleft.mp4');
    await upscale({ input: source, output });
    expect((await videoStream(output)).chroma_location).toBe('topleft');
  });

  it('an untagged SD picture that becomes HD says which matrix it has', async () => {
    const source = await folder.made('untagged.mkv', (path) =>
      ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x160:r=25,format=yuv420p', '-frames:v', '2', ...X264, path),
    );
    expect((await videoStream(source)).color_space).toBeUndefined();
    const [large, small] = [folder.file('untagged-640.mp4'), folder.file('untagged-320.mp4')];
    await upscale({ input: source, output: large });
    await upscale({ input: source, output: small, scale: 2 });
    expect((await videoStream(large)).color_space).toBe('smpte170m');
    expect((await videoStream(small)).color_space).toBeUndefined();
  });

  it.each(['gbrp', 'bgr0', 'gray'])('%s pictures keep their colours', async (format) => {
    const source = await folder.made(`${format}.mkv`, (path) =>
      ffmpeg('-f', 'lavfi', '-i', `${SIZE},format=${format}`, '-frames:v', '2', '-c:v', 'ffv1', path),
    );
    const output = folder.file(`${format}.mp4`);
    await upscale({ input: source, output, crf: 8 });
    const stream = await videoStream(output);
    expect([stream.pix_fmt, stream.color_range, stream.color_space]).toEqual(['yuv420p', 'tv', 'smpte170m']);
    const before = await decode(source, { format: 'rgb24' });
    const filters = 'scale=in_color_matrix=bt601:in_range=tv:flags=accurate_rnd+full_chroma_int';
    const after = shrunk(await decode(output, { format: 'rgb24', filters }), 96, 64);
    for (const [index, frame] of before.frames.entries()) {
      expect(psnr(frame, after.frames[index] ?? new Uint8Array())).toBeGreaterThanOrEqual(26);
    }
  });

  it('transparency is dropped with a warning', async () => {
    const source = await folder.made('alpha.mov', (path) =>
      ffmpeg('-f', 'lavfi', '-i', `${SIZE},format=yuva444p10le`, '-frames:v', '2', '-c:v', 'prores_ks', path),
    );
    const output = folder.file('alpha.mp4');
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toContainEqual(expect.stringMatching(/transparency is dropped/));
    expect((await videoStream(output)).pix_fmt).toBe('yuv420p');
  });

  it('an opaque picture does not say that it is transparent', async () => {
    const source = await folder.made('alpha.webm', (path) =>
      ffmpeg('-f', 'lavfi', '-i', `${SIZE},format=yuva420p`, '-frames:v', '2', '-c:v', 'libvpx-vp9', path),
    );
    expect((await videoStream(source)).tags).toMatchObject({ alpha_mode: '1' });
    const output = folder.file('opaque.webm');
    await upscale({ input: source, output });
    expect(Object.keys((await videoStream(output)).tags ?? {}).map((name) => name.toLowerCase())).not.toContain(
      'alpha_mode',
    );
  });
});

describe('depth', () => {
  /** Levels of luma in a file that 8 bits cannot tell apart, as a share of all samples. */
  async function finerThan8Bits(path: string): Promise<number> {
    const { width, height } = await videoStream(path);
    const raw = await ffmpeg('-i', path, '-frames:v', '1', '-pix_fmt', 'yuv420p10le', '-f', 'rawvideo', '-');
    const luma = new Uint16Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + width * height * 2));
    return luma.reduce((count, level) => count + (level % 4 ? 1 : 0), 0) / luma.length;
  }

  const ramp = "color=gray:s=96x64:r=25,format=yuv420p10le,geq=lum='256+X*2+Y':cb=512:cr=512";
  const ramps = (format: string) =>
    folder.made(`ramp-${format}.mkv`, (path) =>
      ffmpeg('-f', 'lavfi', '-i', `${ramp},format=${format}`, '-frames:v', '2', '-c:v', 'ffv1', path),
    );

  it.each(['yuv420p10le', 'yuv422p10le', 'yuv444p12le', 'gbrp10le'])(
    '--depth 10 keeps what %s can tell apart',
    async (format) => {
      const source = await ramps(format);
      const [ten, eight] = [folder.file(`ten-${format}.mkv`), folder.file(`eight-${format}.mkv`)];
      await upscale({ input: source, output: ten, codec: 'ffv1', depth: 10 });
      await upscale({ input: source, output: eight, codec: 'ffv1' });
      expect((await videoStream(ten)).pix_fmt).toBe('yuv420p10le');
      expect((await videoStream(eight)).pix_fmt).toBe('yuv420p');
      expect(await finerThan8Bits(ten)).toBeGreaterThan(0.5);
      expect(await finerThan8Bits(eight)).toBeLessThan(0.01);
    },
  );

  it.each([
    ['h264', 'mp4'],
    ['hevc', 'mkv'],
    ['vp9', 'webm'],
    ['av1', 'mp4'],
  ] as const)('%s is written with 10 bits when asked', async (codec, extension) => {
    const output = folder.file(`deep-${codec}.${extension}`);
    await upscale({ input: await ramps('yuv420p10le'), output, codec, depth: 10 });
    expect((await videoStream(output)).pix_fmt).toBe('yuv420p10le');
  });

  it('an asked pixel format is used', async () => {
    const output = folder.file('444.mp4');
    await upscale({ input: await ramps('yuv420p10le'), output, pixelFormat: 'yuv444p' });
    expect((await videoStream(output)).pix_fmt).toBe('yuv444p');
  });
});

describe('grey video', () => {
  const grey = (format: string, range: 'tv' | 'pc', level: number) =>
    folder.made(`${format}-${range}-${level}-source.mkv`, (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', `color=black:s=64x48:r=5,format=${format},geq=lum=${level}`, '-frames:v', '2'],
        ...['-c:v', 'ffv1', '-color_range', range, path],
      ),
    );

  it.each([
    ['gray', 'tv', 16, 16],
    ['gray', 'tv', 235, 235],
    ['gray10le', 'tv', 64, 16],
    ['gray', 'pc', 0, 16],
    ['gray', 'pc', 255, 235],
  ] as const)('%s of range %s: %i becomes a luma of %i', async (format, range, level, luma) => {
    const output = folder.file(`${format}-${range}-${level}.mkv`);
    await upscale({ input: await grey(format, range, level), output, crf: 0, preset: 'ultrafast' });
    const { frames } = await decode(output, { format: 'gray' });
    expect(Math.abs((frames[0]?.[1000] ?? Number.NaN) - luma)).toBeLessThanOrEqual(2);
  });
});

describe('HDR', () => {
  const PQ: Tags = { range: 'tv', matrix: 'bt2020nc', primaries: 'bt2020', transfer: 'smpte2084' };
  const HLG: Tags = { ...PQ, transfer: 'arib-std-b67' };
  const HDR10 =
    'hdr10=1:repeat-headers=1:log-level=error:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)' +
    'L(10000000,50):max-cll=1000,400';
  const X265 = ['-c:v', 'libx265', '-preset', 'ultrafast'];

  const pq = () => tagged('pq.mkv', 'yuv420p10le', PQ, ...X265, '-x265-params', HDR10);
  const hlg = () => tagged('hlg.mkv', 'yuv420p10le', HLG, ...X265, '-x265-params', 'log-level=error');

  it.each(['mp4', 'mkv', 'mov', 'ts'])(
    'a PQ source becomes 10-bit hevc in .%s with its HDR10 metadata',
    async (extension) => {
      const source = await pq();
      const output = folder.file(`pq-out.${extension}`);
      await upscale({ input: source, output, preset: 'ultrafast' });
      const stream = await videoStream(output);
      expect([stream.codec_name, stream.pix_fmt]).toEqual(['hevc', 'yuv420p10le']);
      expect(tagsOf(stream)).toEqual(PQ);
      const [before, after] = await Promise.all([sideData(source), sideData(output)]);
      expect(before).toHaveLength(2);
      expect(after).toEqual(before);
    },
  );

  it('a source that says nothing of its display gets no zeros in place of that', async () => {
    const source = await tagged('pq-plain.mkv', 'yuv420p10le', PQ, ...X265, '-x265-params', 'log-level=error');
    const output = folder.file('pq-plain-out.mkv');
    await upscale({ input: source, output, preset: 'ultrafast' });
    expect(await sideData(output)).toEqual([]);
  });

  it('metadata that an encoder cannot be given is told of', async () => {
    const { warnings } = await upscale({ input: await pq(), output: folder.file('pq-told.webm'), preset: '8' });
    expect(warnings).toContainEqual(expect.stringMatching(/^libvpx-vp9 cannot be given the HDR metadata/));
  });

  it('an HLG source keeps its transfer and depth', async () => {
    const output = folder.file('hlg.mp4');
    await upscale({ input: await hlg(), output, preset: 'ultrafast' });
    expect(tagsOf(await videoStream(output))).toEqual(HLG);
    expect((await videoStream(output)).pix_fmt).toBe('yuv420p10le');
  });

  it('a PQ source becomes 10-bit vp9 in .webm', async () => {
    const output = folder.file('pq.webm');
    await upscale({ input: await pq(), output, preset: '8' });
    const stream = await videoStream(output);
    expect([stream.codec_name, stream.pix_fmt]).toEqual(['vp9', 'yuv420p10le']);
    expect(tagsOf(stream)).toEqual(PQ);
  });

  it.each([
    [{ codec: 'h264' }, 'h264'],
    [{ depth: 8 }, 'hevc'],
    [{ pixelFormat: 'yuv420p' }, 'hevc'],
  ] as const)('%j is refused with a hint, and nothing is written', async (options, codec) => {
    const output = folder.file('refused.mp4');
    const error = await failure({ input: await pq(), output, ...options });
    expect(error.code).toBe('TSR_INPUT_HDR');
    expect(error.message).toContain(codec);
    expect(error.hint).toMatch(/--codec hevc/);
  });

  /** Mastering display and content light of the first frame. */
  async function sideData(path: string): Promise<unknown[]> {
    const { ffprobe } = await import('#src/decode/ffprobe.js');
    const { index } = await videoStream(path);
    const sides = (await ffprobe(path, undefined, { firstFrame: index })).frames[0]?.side_data_list ?? [];
    return sides.filter(({ side_data_type = '' }) => /Mastering|Content light/.test(side_data_type));
  }
});
