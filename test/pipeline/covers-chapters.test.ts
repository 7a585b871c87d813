import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ffmpeg, probeFile } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
const VIDEO = ['-f', 'lavfi', '-i', 'testsrc2=s=32x32:r=25:d=0.4'];
const FAST = ['-c:v:0', 'libx264', '-preset', 'ultrafast'];

describe('cover art of other kinds than JPEG and PNG', () => {
  const withCover = (kind: string, extension: string) =>
    folder.made(`${kind}.${extension}`, async (path) => {
      const cover = await folder.made(`cover.${kind}`, (picture) =>
        ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=40x30', '-frames:v', '1', picture),
      );
      const attach = ['-attach', cover, '-metadata:s:t', `mimetype=image/${kind}`, '-metadata:s:t', 'filename=cover'];
      const stream = ['-i', cover, '-map', '0', '-map', '1', '-c:v:1', 'copy', '-disposition:v:1', 'attached_pic'];
      await ffmpeg(...VIDEO, ...(extension === 'mkv' ? attach : stream), ...FAST, path);
    });

  it.each([
    ['bmp', 'mp4', 'mp4', true],
    ['bmp', 'mp4', 'mkv', true],
    ['bmp', 'mp4', 'webm', false],
    ['bmp', 'mp4', 'mov', false],
    ['gif', 'mkv', 'mkv', true],
    ['gif', 'mkv', 'mp4', false],
  ])('%s from .%s to .%s is kept: %s; else a warning says so', async (kind, from, to, kept) => {
    const output = folder.file(`${kind}-${from}-out.${to}`);
    const { warnings } = await upscale({
      input: await withCover(kind, from),
      output,
      preset: to === 'webm' ? '8' : 'ultrafast',
    });
    expect(warnings.filter((line) => /^cover.*dropped/.test(line))).toHaveLength(kept ? 0 : 1);
    const { streams } = await probeFile(output);
    const covers = streams.filter(
      ({ codec_type, disposition, tags }) =>
        disposition.attached_pic || (codec_type === 'attachment' && tags?.mimetype === `image/${kind}`),
    );
    expect(covers).toHaveLength(kept ? 1 : 0);
  });
});

it('cover art stays when a part of the video is taken', async () => {
  const cover = await folder.made('part.png', (path) =>
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=40x30', '-frames:v', '1', path),
  );
  const input = await folder.made('part.mp4', (path) =>
    ffmpeg(
      ...[...VIDEO, '-i', cover, '-map', '0', '-map', '1', '-c:v:1', 'copy', '-disposition:v:1', 'attached_pic'],
      ...[...FAST, path],
    ),
  );
  const output = folder.file('part-out.mp4');
  await upscale({ input, output, start: 0.2, preset: 'ultrafast' });
  const { streams } = await probeFile(output);
  expect(streams.filter(({ disposition }) => disposition.attached_pic)).toHaveLength(1);
});

describe('chapters with odd names', () => {
  const ODD = 'a "q" =;# 漢🎬\nnew line';
  const LONG = 'L'.repeat(200);
  const chaptered = () =>
    folder.made('chapters.mkv', async (path) => {
      const escaped = ODD.replaceAll(/[=;#\\\n]/g, (character) => `\\${character}`);
      const chapter = (start: number, end: number, title: string) =>
        `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${start}\nEND=${end}\n${title && `title=${title}\n`}`;
      const text = [chapter(0, 100, escaped), chapter(100, 200, ''), chapter(200, 400, LONG)].join('');
      const meta = await folder.made('chapters.txt', (file) => writeFile(file, `;FFMETADATA1\n${text}`));
      await ffmpeg(...VIDEO, '-i', meta, '-map', '0', '-map_chapters', '1', ...FAST, path);
    });

  it.each([
    ['mkv', undefined],
    ['webm', undefined],
    ['mp4', 'Chapter 2'],
    ['mov', 'Chapter 2'],
  ])('are kept in .%s, each with its time; one without a name is %s', async (extension, unnamed) => {
    const output = folder.file(`chapters-out.${extension}`);
    const preset = extension === 'webm' ? '8' : 'ultrafast';
    await upscale({ input: await chaptered(), output, preset });
    const { chapters } = await probeFile(output);
    expect(chapters.map(({ start_time, tags }) => [Number(start_time), tags?.title])).toEqual([
      [0, ODD],
      [0.1, unnamed],
      [0.2, LONG],
    ]);
  });

  it('of a part of the video are those of the part', async () => {
    const output = folder.file('chapters-part.mp4');
    await upscale({ input: await chaptered(), output, end: 0.08 });
    expect((await probeFile(output)).chapters.map(({ tags }) => tags?.title)).toEqual([ODD]);
  });
});
