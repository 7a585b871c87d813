import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ffmpeg, frameTimes, videoStream } from '../support/ffmpeg.js';
import { woven } from '../support/fields.js';
import { testFolder } from '../support/folder.js';
import { type Matrix, withMatrix } from '../support/mp4.js';
import { decode, psnr, worstPsnr } from '../support/pictures.js';
import { type RunOptions, upscale } from '../support/upscale.js';

const folder = testFolder();
const upright = () =>
  folder.made('upright.mp4', (path) =>
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x64:r=25', '-frames:v', '2', '-c:v', 'libx264', '-crf', '10', path),
  );

const HALF = Math.SQRT1_2;
const CASES: readonly (readonly [string, Matrix, string])[] = [
  ['mirrored', [-1, 0, 0, 1], '384x256'],
  ['upside down', [1, 0, 0, -1], '384x256'],
  ['half a turn', [-1, 0, 0, -1], '384x256'],
  ['a quarter turn', [0, 1, -1, 0], '256x384'],
  ['a quarter turn the other way', [0, -1, 1, 0], '256x384'],
  ['mirrored and a quarter turn', [0, 1, 1, 0], '256x384'],
  ['mirrored and a quarter turn the other way', [0, -1, -1, 0], '256x384'],
  // Drawn within a picture of the same shape, as players do.
  ['an eighth of a turn', [HALF, HALF, -HALF, HALF], '384x256'],
];

it.each(CASES)('%s: the picture is as it was shown, and carries no turn any more', async (name, matrix, size) => {
  const source = await folder.made(`${name}.mp4`, async (path) =>
    writeFile(path, withMatrix(await readFile(await upright()), matrix)),
  );
  expect((await videoStream(source)).side_data_list).toHaveLength(1);
  const output = folder.file(`${name}-out.mp4`);
  await upscale({ input: source, output, crf: 10 });
  const { width, height, side_data_list } = await videoStream(output);
  expect([`${width}x${height}`, side_data_list]).toEqual([size, undefined]);
  // ffmpeg turns both as their files say, so only equal pictures agree. The sources' own bits are 96x64 at most.
  const filters = await shown(source, size);
  expect(await worstPsnr(filters, output)).toBeGreaterThanOrEqual(28);
});

/** The source as players show it, as a file of its own. */
function shown(source: string, size: string): Promise<string> {
  return folder.made(`${source.slice(folder.path.length + 1)}-${size}.mkv`, (path) =>
    ffmpeg('-i', source, '-c:v', 'ffv1', path),
  );
}

describe('woven frames that are turned', () => {
  const OPTIONS = { model: 'tinysr-nano-x2', codec: 'ffv1' } as const;
  const plain = () =>
    folder.made('woven.mp4', (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', woven({ order: 'tff', size: '64x48' }), '-frames:v', '3', '-flags', '+ilme+ildct'],
        ...['-top', '1', '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '4', path],
      ),
    );
  const uprightOf = (options: Partial<RunOptions>) =>
    folder.made(`woven ${JSON.stringify(options)}.mkv`, async (output) =>
      upscale({ input: await plain(), output, ...OPTIONS, ...options }),
    );

  it.each<[string, Matrix, string, Partial<RunOptions>]>([
    ['a quarter turn', [0, 1, -1, 0], 'transpose=cclock', { deinterlace: 'field' }],
    ['a quarter turn', [0, 1, -1, 0], 'transpose=cclock', { compare: true }],
    ['a quarter turn the other way', [0, -1, 1, 0], 'transpose=clock', {}],
    ['mirrored and a quarter turn', [0, 1, 1, 0], 'transpose=cclock_flip', { deinterlace: 'field' }],
    ['mirrored and a quarter turn the other way', [0, -1, -1, 0], 'transpose=clock_flip', { deinterlace: 'film' }],
    ['half a turn', [-1, 0, 0, -1], 'hflip,vflip', { deinterlace: 'field' }],
    ['upside down', [1, 0, 0, -1], 'vflip', {}],
  ])('%s: fields are parted while they are rows', async (name, matrix, back, options) => {
    const id = `woven ${name} ${JSON.stringify(options)}`;
    const source = folder.file(`${id}.mp4`);
    await writeFile(source, withMatrix(await readFile(await plain()), matrix));
    const output = folder.file(`${id}.mkv`);
    await upscale({ input: source, output, ...OPTIONS, ...options });
    expect(await frameTimes(output)).toEqual(await frameTimes(await uprightOf(options)));
    const shown = await decode(output, { filters: back, size: [128, 96] });
    // Before and after change sides where the picture is turned.
    const wanted = await decode(await uprightOf({ ...options, compare: false }));
    expect(shown.frames).toHaveLength(wanted.frames.length);
    for (const [index, frame] of shown.frames.entries())
      expect(psnr(frame, wanted.frames[index] as Uint8Array)).toBeGreaterThan(options.compare ? 20 : 26);
  });
});
