import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ffmpeg, videoStream } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { type RunOptions, upscale } from '../support/upscale.js';

const folder = testFolder();
/** Fifty pictures a second of a size that television weaves, but narrow, so that they are quickly upscaled. */
const MOVING = 'testsrc2=s=64x576:r=50,scale=64:576,format=yuv420p';
const weave = (order: string) => `${MOVING},interlace=scan=${order}:lowpass=off`;
const CAMERA = fileURLToPath(new URL('../../examples/clip.mp4', import.meta.url));
const LOSSLESS = ['-c:v', 'ffvhuff'];
const INTERLACED = ['-c:v', 'mpeg2video', '-q:v', '2', '-flags', '+ilme+ildct'];

function clip(name: string, source: string, encode: readonly string[]): Promise<string> {
  return folder.made(name, (path) => ffmpeg('-f', 'lavfi', '-i', source, '-frames:v', '60', ...encode, path));
}

async function told(input: string, options: Partial<RunOptions> = {}): Promise<readonly string[]> {
  const { warnings } = await upscale({ input, output: folder.file('out.mkv'), overwrite: true, frames: 2, ...options });
  return warnings.filter((message) => message.startsWith('looks'));
}

describe('a hint to what pictures look like', () => {
  it('says what to try where frames are woven and not marked', async () => {
    const [top, bottom] = [
      await clip('top.avi', weave('tff'), LOSSLESS),
      await clip('bottom.avi', weave('bff'), LOSSLESS),
    ];
    expect(await told(top)).toEqual(['looks interlaced, though its frames are not marked so: try --deinterlace frame']);
    expect(await told(bottom)).toEqual([expect.stringMatching(/try --deinterlace frame --field-order bottom$/)]);
    expect(await told(top, { start: 0.5, end: 2 })).toHaveLength(1);
  });

  it('says which field comes first where that is not the one taken', async () => {
    const bottom = await clip('bottom.avi', weave('bff'), LOSSLESS);
    const top = await clip('top.avi', weave('tff'), LOSSLESS);
    const wrong = await clip('wrong.ts', weave('tff'), [...INTERLACED, '-top', '0']);
    expect(await told(bottom, { deinterlace: 'field' })).toEqual([expect.stringMatching(/try --field-order bottom$/)]);
    expect(await told(wrong)).toEqual([expect.stringMatching(/bottom one: try --field-order top$/)]);
    expect(await told(top, { deinterlace: 'field' })).toEqual([]);
  });

  it('says nothing where all is as it says, or as the user said', async () => {
    const right = await clip('right.ts', weave('bff'), [...INTERLACED, '-top', '0']);
    const bottom = await clip('bottom.avi', weave('bff'), LOSSLESS);
    expect(await told(right)).toEqual([]);
    expect(await told(bottom, { deinterlace: 'off' })).toEqual([]);
    expect(await told(bottom, { deinterlace: 'frame', fieldOrder: 'top' })).toEqual([]);
  });

  it('says nothing of whole frames from a camera', async () => {
    const source = await folder.made('camera.mkv', (path) =>
      ffmpeg(
        '-i',
        CAMERA,
        '-an',
        '-sn',
        '-vf',
        'scale=128:480',
        '-frames:v',
        '80',
        '-c:v',
        'libx264',
        '-crf',
        '28',
        path,
      ),
    );
    expect(await told(source)).toEqual([]);
  });

  it('is not lulled by a container that says of frames what they do not say themselves', async () => {
    const woven = await folder.made('camera-woven.mkv', (path) =>
      ffmpeg('-i', CAMERA, '-an', '-sn', '-vf', 'scale=128:480,interlace', '-c:v', 'libx264', '-crf', '28', path),
    );
    expect((await videoStream(woven)).field_order).toMatch(/^t[tb]$/);
    expect(await told(woven)).toEqual([expect.stringContaining('its frames are not marked so')]);
  });

  it.each([
    ['noise.avi', 'color=gray:s=64x576:r=25,noise=alls=40:allf=t,format=yuv420p'],
    ['still.avi', 'smptebars=s=64x576:r=25,format=yuv420p'],
    // 720 lines are never woven, and small pictures are one field at most.
    ['lines.avi', weave('tff').replaceAll('576', '720')],
    ['small.avi', weave('tff').replaceAll('576', '288')],
  ])('says nothing of %s', async (name, source) => {
    expect(await told(await clip(name, source, LOSSLESS))).toEqual([]);
  });
});
