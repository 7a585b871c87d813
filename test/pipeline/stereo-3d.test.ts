import { describe, expect, it } from 'vitest';
import { probe } from '#src/index.js';
import { lookAtSource } from '#src/pipeline/look-at-source.js';
import { ffmpeg, videoStream } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { numbered } from '../support/pictures.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
const VIDEO = ['-f', 'lavfi', '-i', `${numbered(64, 48)},trim=end_frame=6`];
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18'];
const MODEL = { model: 'tinysr-nano-x2' } as const;

/** Matroska that says how the views lie. */
const tagged = (mode: string) =>
  folder.made(`${mode}.mkv`, (path) =>
    ffmpeg(...VIDEO, '-vf', 'setsar=4/3', ...FAST, '-metadata:s:v', `stereo_mode=${mode}`, path),
  );

/** H.264 whose pictures say it. */
const told = (packing: number, extension: string) =>
  folder.made(`packing-${packing}.${extension}`, (path) =>
    ffmpeg(...VIDEO, ...FAST, '-x264-params', `frame-packing=${packing}`, path),
  );

const stereoTag = async (path: string) => (await videoStream(path)).tags?.stereo_mode;
/** What the pictures of a file say. */
const stereoIn = async (path: string) => (await lookAtSource(path, folder.path)).source.video.stereo;

describe('a 3D video', () => {
  it.each(['left_right', 'right_left', 'top_bottom', 'block_lr'])(
    'stays %s in Matroska, in its shape',
    async (mode) => {
      const output = folder.file(`out-${mode}.mkv`);
      const { warnings } = await upscale({ input: await tagged(mode), output, ...MODEL });
      expect(warnings).toEqual([]);
      expect(await stereoTag(output)).toBe(mode);
      expect((await videoStream(output)).sample_aspect_ratio).toBe(
        (await videoStream(await tagged(mode))).sample_aspect_ratio,
      );
    },
  );

  it.each([
    ['left_right', 'mp4', 'side by side'],
    ['top_bottom', 'mov', 'top and bottom'],
  ])('that is %s says so in the pictures of .%s', async (mode, extension, arrangement) => {
    const output = folder.file(`said-${mode}.${extension}`);
    const { warnings } = await upscale({ input: await tagged(mode), output, ...MODEL });
    expect(warnings).toEqual([]);
    expect(await stereoIn(output)).toEqual({ arrangement, inverted: false });
  });

  it.each([
    [3, 'mp4', 'mkv', 'left_right'],
    [4, 'ts', 'mkv', 'top_bottom'],
  ])('whose pictures say %s in .%s is marked in .%s', async (packing, from, to, mode) => {
    const output = folder.file(`marked-${packing}.${to}`);
    const { warnings } = await upscale({ input: await told(packing, from), output, ...MODEL });
    expect(warnings).toEqual([]);
    expect(await stereoTag(output)).toBe(mode);
  });

  it('whose pictures say it stays so in mp4, in pieces too', async () => {
    const source = await told(3, 'mp4');
    expect((await probe(source)).video.stereo).toBeUndefined();
    for (const options of [{}, { resume: true, segmentFrames: 3 }]) {
      const output = folder.file(`same${Object.keys(options).length}.mp4`);
      expect((await upscale({ input: source, output, ...MODEL, ...options })).warnings).toEqual([]);
      expect(await stereoIn(output)).toEqual({ arrangement: 'side by side', inverted: false });
    }
  });

  it.each([
    ['right_left', 'mp4', {}, /side by side, right view first\): no longer marked as 3D; Matroska/],
    ['left_right', 'mp4', { codec: 'hevc' }, /no longer marked as 3D; Matroska/],
    ['block_lr', 'webm', { preset: '8' }, /frame alternate\): no longer marked as 3D; Matroska/],
    ['checkerboard_lr', 'mkv', {}, /checkerboard\): no longer marked as 3D, upscaling mixes/],
    ['checkerboard_lr', 'webm', { preset: '8' }, /checkerboard\): no longer marked as 3D, upscaling mixes/],
    ['left_right', 'mkv', { compare: true }, /comparison is not marked/],
  ] as const)('%s that .%s with %j cannot say is told', async (mode, extension, options, warning) => {
    const output = folder.file(`lost-${mode}-${JSON.stringify(options).replaceAll(/\W/g, '')}.${extension}`);
    const { warnings } = await upscale({ input: await tagged(mode), output, ...MODEL, ...options });
    expect(warnings).toEqual([expect.stringMatching(warning)]);
    expect(await stereoTag(output)).toBeUndefined();
    expect(await stereoIn(output)).toBeUndefined();
  });

  it('is none where nothing says so', async () => {
    const plain = await folder.made('plain.mp4', (path) => ffmpeg(...VIDEO, ...FAST, path));
    expect(await stereoIn(plain)).toBeUndefined();
    expect(
      (await upscale({ input: await tagged('mono'), output: folder.file('mono.mp4'), ...MODEL })).warnings,
    ).toEqual([]);
  });
});
