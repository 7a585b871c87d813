import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ffmpeg, videoStream } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { withEntryBox } from '../support/mp4.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
const PQ = ['-color_primaries', 'bt2020', '-color_trc', 'smpte2084', '-colorspace', 'bt2020nc', '-color_range', 'tv'];
const SDR = ['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709', '-color_range', 'tv'];

/** A Dolby Vision configuration record: version 1.0, level 1, no enhancement layer, RPUs and a base layer. */
function configuration(profile: number, compatibility: number): Buffer {
  const record = Buffer.alloc(24);
  record.set([1, 0, (profile << 1) | 0, (1 << 3) | 0b101, compatibility << 4]);
  return record;
}

/** HEVC that says it is Dolby Vision. */
function dolbyVision(profile: number, box: string, compatibility: number, tags: readonly string[]): Promise<string> {
  return folder.made(`profile${profile}-${compatibility}.mp4`, async (path) => {
    const plain = folder.file(`plain${profile}-${compatibility}.mp4`);
    await ffmpeg(
      ...['-f', 'lavfi', '-i', numbered(96, 64), '-frames:v', '4', '-pix_fmt', 'yuv420p10le', ...tags],
      ...['-c:v', 'libx265', '-preset', 'ultrafast', '-crf', '12', '-x265-params', 'log-level=error', '-tag:v', 'hvc1'],
      plain,
    );
    await writeFile(path, withEntryBox(await readFile(plain), 'hvc1', box, configuration(profile, compatibility)));
  });
}

const doviOf = async (path: string) =>
  (await videoStream(path)).side_data_list?.find(({ side_data_type }) => /DOVI/.test(String(side_data_type)));

it.each([
  ['a PQ base layer stays HDR10', 8, 'dvvC', 1, PQ, 'smpte2084', 'yuv420p10le'],
  ['an SDR base layer stays SDR', 8, 'dvvC', 2, SDR, 'bt709', 'yuv420p'],
  ['a layer of its own is taken for what its tags say', 5, 'dvcC', 0, PQ, 'smpte2084', 'yuv420p10le'],
] as const)('%s (profile %i, %s, compatible with %i)', async (_, profile, box, compatible, tags, transfer, format) => {
  const source = await dolbyVision(profile, box, compatible, tags);
  expect(await doviOf(source)).toMatchObject({ dv_profile: profile, dv_bl_signal_compatibility_id: compatible });
  for (const extension of ['mp4', 'mkv']) {
    const output = folder.file(`out${profile}-${compatible}.${extension}`);
    const { warnings } = await upscale({ input: source, output, codec: 'hevc', preset: 'ultrafast' });
    expect(warnings.filter((line) => /^Dolby Vision metadata is dropped/.test(line))).toHaveLength(1);
    // A profile without a compatible base layer has colours that only a Dolby Vision player shows right.
    expect(warnings.filter((line) => /colours/.test(line))).toHaveLength(compatible === 0 ? 1 : 0);
    expect(await doviOf(output)).toBeUndefined();
    const stream = await videoStream(output);
    expect([stream.codec_name, stream.pix_fmt, stream.color_transfer]).toEqual(['hevc', format, transfer]);
    expect([stream.width, stream.height]).toEqual([384, 256]);
    expect(await numbersIn(output)).toEqual(counting(4));
  }
});
