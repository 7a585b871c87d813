import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ffmpeg, packets, probeFile, type Stream, streamsOf, videoStream } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';
import { upscale } from '../support/upscale.js';

const folder = testFolder();
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18'];
const VIDEO = ['-f', 'lavfi', '-i', `${numbered(64, 48)},trim=end_frame=30`];
const SUBTITLES = '1\n00:00:00,200 --> 00:00:00,600\nFirst line\n\n2\n00:00:00,700 --> 00:00:01,100\nSecond: ä ß 漢\n';
const CHAPTERS =
  ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=Opening\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=500\nEND=1200\ntitle=The rest\n';

const tone = (hertz: number) => ['-f', 'lavfi', '-i', `sine=frequency=${hertz}:sample_rate=48000:duration=1.2`];
const text = (name: string, content: string) => folder.made(name, (path) => writeFile(path, content));
const picture = (name: string) =>
  folder.made(name, (path) => ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=40x30', '-frames:v', '1', path));

/** Matroska with everything it can hold. */
const rich = () =>
  folder.made('rich.mkv', async (path) => {
    const [subtitles, chapters] = [await text('s.srt', SUBTITLES), await text('chapters.txt', CHAPTERS)];
    const [font, cover] = [await text('font.ttf', 'not really a font'), await picture('cover.jpg')];
    await ffmpeg(
      ...[...VIDEO, ...tone(440), ...tone(880), '-i', subtitles, '-i', chapters],
      ...['-map', '0:v', '-map', '1:a', '-map', '2:a', '-map', '3:s', '-map', '3:s', '-map_metadata', '4'],
      ...[...FAST, '-c:a:0', 'aac', '-c:a:1', 'flac', '-c:s:0', 'subrip', '-c:s:1', 'ass'],
      ...['-metadata', 'title=A rich clip', '-metadata', 'artist=Nobody', '-metadata', 'comment=ä ß 漢'],
      ...['-metadata:s:v:0', 'language=jpn', '-metadata:s:v:0', 'title=Main picture'],
      ...['-metadata:s:a:0', 'language=eng', '-metadata:s:a:0', 'title=Original'],
      ...['-metadata:s:a:1', 'language=fre', '-metadata:s:a:1', 'title=Dubbed'],
      ...['-metadata:s:s:0', 'language=ger', '-metadata:s:s:1', 'language=spa'],
      ...['-disposition:a:0', '0', '-disposition:a:1', 'default', '-disposition:s:1', 'forced'],
      ...['-attach', font, '-metadata:s:t:0', 'mimetype=application/x-truetype-font'],
      ...['-attach', cover, '-metadata:s:t:1', 'mimetype=image/jpeg', '-metadata:s:t:1', 'filename=cover.jpg'],
      path,
    );
  });

const brief = ({ codec_name, tags, disposition }: Stream) => ({
  codec: codec_name,
  language: tags?.language,
  default: disposition.default,
  forced: disposition.forced,
});

describe('Matroska to Matroska', () => {
  it('every track, chapter, attachment, tag, language and disposition is kept, and nothing warned of', async () => {
    const source = await rich();
    const output = folder.file('rich-out.mkv');
    const { warnings } = await upscale({ input: source, output });

    expect(warnings).toEqual([]);
    const [before, after] = [await probeFile(source), await probeFile(output)];
    for (const type of ['audio', 'subtitle']) {
      const [from, to] = [await streamsOf(source, type), await streamsOf(output, type)];
      expect(to.map(brief)).toEqual(from.map(brief));
      expect(to).toHaveLength(2);
    }
    expect((await streamsOf(output, 'audio')).map(({ tags }) => tags?.title)).toEqual(['Original', 'Dubbed']);
    expect((await videoStream(output)).tags).toMatchObject({ language: 'jpn', title: 'Main picture' });
    const chapters = ({ chapters: all }: typeof before) => all.map(({ start_time, tags }) => [start_time, tags?.title]);
    expect(chapters(after)).toEqual(chapters(before));
    expect(chapters(after)).toHaveLength(2);
    expect(after.format.tags).toMatchObject({ title: 'A rich clip', ARTIST: 'Nobody', COMMENT: 'ä ß 漢' });
    const attachments = await streamsOf(output, 'attachment');
    expect(attachments.map(({ tags }) => tags?.filename)).toEqual(['font.ttf']);
    const covers = after.streams.filter(({ disposition }) => disposition.attached_pic);
    expect(covers.map(({ codec_name }) => codec_name)).toEqual(['mjpeg']);
    expect(await numbersIn(output)).toEqual(counting(30));
  });

  it('copied audio is the same, packet by packet, at the same times', async () => {
    const source = await rich();
    const output = folder.file('packets.mkv');
    await upscale({ input: source, output });
    const [from, to] = [await streamsOf(source, 'audio'), await streamsOf(output, 'audio')];
    for (const [index, { index: stream }] of from.entries()) {
      const before = await packets(source, stream);
      expect(before.length).toBeGreaterThan(10);
      expect(await packets(output, to[index]?.index ?? -1)).toEqual(before);
    }
  });

  it('subtitles keep their words and times', async () => {
    const output = folder.file('subtitles.mkv');
    await upscale({ input: await rich(), output });
    const words = async (path: string) =>
      (await ffmpeg('-copyts', '-i', path, '-map', '0:s:0', '-f', 'srt', '-')).toString();
    expect(await words(output)).toBe(await words(await rich()));
    expect(await words(output)).toContain('Second: ä ß 漢');
  });

  it('the font that is attached is the same, byte by byte', async () => {
    const output = folder.file('font.mkv');
    await upscale({ input: await rich(), output });
    const dumped = folder.file('dumped.ttf');
    // ffmpeg ends with an error as there is no output; the attachment is written all the same.
    await ffmpeg('-dump_attachment:t:0', dumped, '-i', output).catch(() => undefined);
    expect(await folder.read('dumped.ttf')).toBe('not really a font');
  });

  it('tags that would lie about the new picture are gone', async () => {
    const stale = await folder.made('stale.mkv', (path) =>
      ffmpeg(...VIDEO, ...FAST, '-metadata:s:v:0', 'BPS=123', '-metadata:s:v:0', 'NUMBER_OF_FRAMES=999', path),
    );
    const output = folder.file('stale-out.mkv');
    await upscale({ input: stale, output });
    const tags = (await videoStream(output)).tags ?? {};
    expect(tags.BPS).toBeUndefined();
    expect(tags.NUMBER_OF_FRAMES).toBeUndefined();
    expect(tags.ENCODER).toMatch(/libx264/);
  });
});

describe('Matroska to other containers', () => {
  it('mp4: subtitles become mov_text, attachments are dropped, each with a warning; the rest stays', async () => {
    const source = await rich();
    const output = folder.file('rich.mp4');
    const { warnings } = await upscale({ input: source, output });
    expect(warnings.filter((line) => /converted to mov_text/.test(line))).toHaveLength(2);
    expect(warnings.filter((line) => /attachment.*dropped/.test(line))).toHaveLength(1);
    expect(warnings).toHaveLength(3);
    const audio = await streamsOf(output, 'audio');
    expect(audio.map(brief)).toEqual((await streamsOf(source, 'audio')).map(brief));
    const subtitles = await streamsOf(output, 'subtitle');
    expect(subtitles.map(({ codec_name, tags }) => [codec_name, tags?.language])).toEqual([
      ['mov_text', 'ger'],
      ['mov_text', 'spa'],
    ]);
    const probed = await probeFile(output);
    expect(probed.streams.filter(({ disposition }) => disposition.attached_pic)).toHaveLength(1);
    expect(probed.chapters.map(({ start_time, tags }) => [Number(start_time), tags?.title])).toEqual([
      [0, 'Opening'],
      [0.5, 'The rest'],
    ]);
    expect(probed.format.tags).toMatchObject({ title: 'A rich clip', artist: 'Nobody', comment: 'ä ß 漢' });
    const words = (await ffmpeg('-i', output, '-map', '0:s:0', '-f', 'srt', '-')).toString();
    expect(words).toContain('Second: ä ß 漢');
  });

  it.each(['mp4', 'mov'])('%s: titles of tracks become the names of their handlers', async (extension) => {
    const output = folder.file(`titles.${extension}`);
    await upscale({ input: await rich(), output });
    const names = (await streamsOf(output, 'audio')).map(({ tags }) => tags?.handler_name);
    expect(names).toEqual(['Original', 'Dubbed']);
    expect((await videoStream(output)).tags?.handler_name).toBe('Main picture');
  });

  it('mov: a title too long for it is cut between characters, and the picture keeps its language', async () => {
    const source = await folder.made('long-title.mkv', (path) =>
      ffmpeg(
        ...[...VIDEO, '-metadata:s:v', 'language=fre', '-metadata:s:v', `title=${'ä'.repeat(200)}`, ...FAST, path],
      ),
    );
    const output = folder.file('long-title.mov');
    await upscale({ input: source, output });
    const { tags } = await videoStream(output);
    expect([tags?.language, tags?.handler_name]).toEqual(['fra', 'ä'.repeat(63)]);
  });

  it('mov: flac becomes aac with a warning', async () => {
    const output = folder.file('rich.mov');
    const { warnings } = await upscale({ input: await rich(), output });
    expect(warnings.filter((line) => /flac.*\(fre\): converted to aac/.test(line))).toHaveLength(1);
    expect((await streamsOf(output, 'audio')).map(({ codec_name, tags }) => [codec_name, tags?.language])).toEqual([
      ['aac', 'eng'],
      ['aac', 'fra'],
    ]);
  });

  it('webm: audio becomes opus, subtitles webvtt, cover and attachment are dropped, all with warnings', async () => {
    const output = folder.file('rich.webm');
    const { warnings } = await upscale({ input: await rich(), output, preset: '8' });
    expect(warnings.filter((line) => /converted to libopus/.test(line))).toHaveLength(2);
    expect(warnings.filter((line) => /converted to webvtt/.test(line))).toHaveLength(2);
    expect(warnings.filter((line) => /dropped/.test(line))).toHaveLength(2);
    expect((await streamsOf(output, 'audio')).map(({ codec_name }) => codec_name)).toEqual(['opus', 'opus']);
    expect((await streamsOf(output, 'subtitle')).map(({ codec_name }) => codec_name)).toEqual(['webvtt', 'webvtt']);
    expect((await probeFile(output)).chapters).toHaveLength(2);
  });

  it('ts: subtitles, chapters, cover and attachment are dropped with warnings, audio stays', async () => {
    const output = folder.file('rich.ts');
    const { warnings } = await upscale({ input: await rich(), output });
    expect(warnings.filter((line) => /subtitle.*dropped/.test(line))).toHaveLength(2);
    expect(warnings).toContainEqual(expect.stringMatching(/^chapters: dropped/));
    expect(warnings).toContainEqual(expect.stringMatching(/^attachment.*dropped/));
    expect(warnings).toContainEqual(expect.stringMatching(/^cover.*dropped/));
    expect((await streamsOf(output, 'audio')).map(({ codec_name, tags }) => [codec_name, tags?.language])).toEqual([
      ['aac', 'eng'],
      ['aac', 'fre'],
    ]);
  });
});

describe('what tracks are marked as', () => {
  /** Sound and subtitles with a mark each, and a default track that is not the first. */
  const marked = () =>
    folder.made('marked.mkv', async (path) => {
      const subtitles = await text('s.srt', SUBTITLES);
      await ffmpeg(
        ...[...VIDEO, ...tone(440), '-i', subtitles, '-map', '0:v'],
        ...Array.from({ length: 4 }, () => ['-map', '1:a', '-map', '2:s']).flat(),
        ...[...FAST, '-c:a', 'aac', '-c:s', 'subrip', '-default_mode', 'passthrough'],
        ...[
          '-disposition:v:0',
          'default+original',
          '-disposition:a:0',
          'original',
          '-disposition:a:1',
          'default+comment',
        ],
        ...['-disposition:a:2', 'visual_impaired', '-disposition:a:3', 'dub'],
        ...['-disposition:s:0', '0', '-disposition:s:1', 'forced+default', '-disposition:s:2', 'hearing_impaired'],
        ...['-disposition:s:3', 'comment', path],
      );
    });
  const marksOf = async (path: string, type: string) =>
    (await streamsOf(path, type)).map(({ disposition }) =>
      Object.keys(disposition).filter((name) => disposition[name] === 1),
    );
  const lines = (warnings: readonly string[]) => warnings.filter((line) => line.includes('no longer marked'));

  it('is all kept in Matroska, the picture included', async () => {
    const output = folder.file('marked-out.mkv');
    const { warnings } = await upscale({ input: await marked(), output });
    expect(warnings).toEqual([]);
    for (const type of ['video', 'audio', 'subtitle']) {
      expect(await marksOf(output, type)).toEqual(await marksOf(await marked(), type));
    }
    expect(await marksOf(output, 'audio')).toEqual([
      ['original'],
      ['default', 'comment'],
      ['visual_impaired'],
      ['dub'],
    ]);
  });

  it('is kept in mp4, by the names that it has there, but for the original language', async () => {
    const output = folder.file('marked.mp4');
    const { warnings } = await upscale({ input: await marked(), output });
    expect(await marksOf(output, 'audio')).toEqual([
      [],
      ['default', 'comment'],
      ['visual_impaired', 'descriptions'],
      ['dub'],
    ]);
    expect(await marksOf(output, 'subtitle')).toEqual([
      [],
      ['default', 'forced'],
      ['hearing_impaired', 'captions'],
      ['comment'],
    ]);
    expect(lines(warnings)).toEqual([expect.stringMatching(/^audio track 1.*as original language, which mp4/)]);
    // And back again, with two names where there was one.
    const back = folder.file('marked-back.mkv');
    expect(lines((await upscale({ input: output, output: back, model: 'tinysr-nano-x2' })).warnings)).toEqual([]);
    expect((await marksOf(back, 'subtitle'))[2]).toEqual(['hearing_impaired']);
  });

  it.each([
    ['mov', 7, /subtitle track 4.*as forced, which mov/],
    ['webm', 6, /audio track 3.*as commentary, which webm/],
    // Subtitles are dropped, and the default track is not the first.
    ['ts', 3, /audio track 3.*as default, commentary, which mpegts/],
  ])('that .%s cannot say is told, for each track', async (extension, count, one) => {
    const output = folder.file(`marked.${extension}`);
    const { warnings } = await upscale({ input: await marked(), output, ...(extension === 'webm' && { preset: '8' }) });
    expect(lines(warnings)).toHaveLength(count);
    expect(lines(warnings)).toContainEqual(expect.stringMatching(one));
    const lost = lines(warnings).map((line) => line.split(':')[0]);
    const [before, after] = [await marksOf(await marked(), 'audio'), await marksOf(output, 'audio')];
    for (const [index, marks] of before.entries()) {
      const track = expect.stringMatching(new RegExp(`^audio track ${1 + 2 * index},`));
      const isKept = marks.every((mark) => after[index]?.includes(mark));
      expect(lost).toEqual(isKept ? expect.not.arrayContaining([track]) : expect.arrayContaining([track]));
    }
  });

  it('stays with subtitles that are cut to a part of the video', async () => {
    const output = folder.file('marked-part.mp4');
    await upscale({ input: await marked(), output, end: 0.8 });
    expect((await marksOf(output, 'subtitle'))[1]).toEqual(['default', 'forced']);
    expect((await marksOf(output, 'subtitle'))[3]).toEqual(['comment']);
  });
});

describe('other sources', () => {
  it('mp4: cover, sound, chapters and tags are kept in mp4, and the index stands in front', async () => {
    const cover = await picture('cover.png');
    const chapters = await text('chapters.txt', CHAPTERS);
    const source = await folder.made('tagged.mp4', (path) =>
      ffmpeg(
        ...[...VIDEO, ...tone(440), '-i', cover, '-i', chapters, '-map', '0:v', '-map', '1:a', '-map', '2:v'],
        ...['-map_metadata', '3', ...FAST, '-c:v:1', 'copy', '-disposition:v:1', 'attached_pic', '-c:a', 'aac'],
        ...['-metadata', 'title=Kept', '-metadata:s:a:0', 'language=nor', path],
      ),
    );
    const output = folder.file('tagged-out.mp4');
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toEqual([]);
    const probed = await probeFile(output);
    const covers = probed.streams.filter(({ disposition }) => disposition.attached_pic);
    expect(covers.map(({ codec_name, width, height }) => [codec_name, width, height])).toEqual([['png', 40, 30]]);
    expect(probed.format.tags?.title).toBe('Kept');
    expect(probed.chapters).toHaveLength(2);
    expect((await streamsOf(output, 'audio'))[0]?.tags?.language).toBe('nor');
    const bytes = await folder.read('tagged-out.mp4');
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
    // The picture, not the cover, is what was upscaled.
    expect((await videoStream(output)).width).toBe(256);
  });

  it.each(['mov', 'mp4', 'mkv'])('the time code is kept in .%s', async (extension) => {
    const source = await folder.made('timecode.mov', (path) =>
      ffmpeg(...VIDEO, ...FAST, '-timecode', '01:02:03:04', path),
    );
    const output = folder.file(`timecode-out.${extension}`);
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toEqual([]);
    const { streams, format } = await probeFile(output);
    const codes = [format.tags, ...streams.map(({ tags }) => tags)].map((tags) => tags?.timecode ?? tags?.TIMECODE);
    expect(codes).toContain('01:02:03:04');
    if (extension !== 'mkv') expect(streams.some(({ codec_tag_string }) => codec_tag_string === 'tmcd')).toBe(true);
  });

  it('the time code is dropped with a warning where it would be that of another frame', async () => {
    const source = await folder.made('timecode-part.mov', (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', 'testsrc2=s=32x32:r=25:d=0.6', '-c:v', 'libx264', '-timecode', '01:00:00:00', path],
      ),
    );
    const output = folder.file('timecode-part-out.mov');
    const { warnings } = await upscale({ input: source, output, start: 0.2 });
    expect(warnings).toContainEqual(expect.stringMatching(/^time code 01:00:00:00: dropped/));
    expect(JSON.stringify(await probeFile(output))).not.toContain('01:00:00:00');
  });

  it.each(['mov', 'mp4', 'mkv'])("a phone's own tags are kept in .%s", async (extension) => {
    const tags = { 'com.apple.quicktime.make': 'Maker', 'com.apple.quicktime.location.ISO6709': '+52+013/' };
    const source = await folder.made('phone.mov', (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', 'testsrc2=s=32x32:r=25:d=0.2', '-c:v', 'libx264', '-movflags', 'use_metadata_tags'],
        ...[...Object.entries(tags).flatMap(([key, value]) => ['-metadata', `${key}=${value}`]), path],
      ),
    );
    const output = folder.file(`phone-out.${extension}`);
    await upscale({ input: source, output });
    const kept = Object.entries((await probeFile(output)).format.tags ?? {});
    const lower = Object.fromEntries(kept.map(([key, value]) => [key.toLowerCase(), value]));
    for (const [key, value] of Object.entries(tags)) expect(lower[key.toLowerCase()], key).toBe(value);
  });

  it('pcm is copied to Matroska and mov, and converted for mp4 with a warning', async () => {
    const source = await folder.made('pcm.avi', (path) =>
      ffmpeg(...VIDEO, ...tone(440), '-c:v', 'mjpeg', '-c:a', 'pcm_s16le', path),
    );
    const expected = { mkv: 'pcm_s16le', mov: 'pcm_s16le', mp4: 'aac' };
    for (const [extension, codec] of Object.entries(expected)) {
      const output = folder.file(`pcm.${extension}`);
      const { warnings } = await upscale({ input: source, output, frames: 3 });
      expect((await streamsOf(output, 'audio')).map(({ codec_name }) => codec_name)).toEqual([codec]);
      expect(warnings).toHaveLength(codec === 'aac' ? 1 : 0);
    }
  });

  it('mov_text becomes subrip in Matroska with a warning', async () => {
    const subtitles = await text('s.srt', SUBTITLES);
    const source = await folder.made('movtext.mp4', (path) =>
      ffmpeg(...VIDEO, '-i', subtitles, '-map', '0', '-map', '1', ...FAST, '-c:s', 'mov_text', path),
    );
    const output = folder.file('movtext.mkv');
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toEqual([expect.stringMatching(/mov_text.*converted to subrip/)]);
    const words = (await ffmpeg('-i', output, '-map', '0:s:0', '-f', 'srt', '-')).toString();
    expect(words).toContain('First line');
  });
});

describe('sound and picture', () => {
  const cases = [
    ['mp4', 0.5],
    ['mp4', -0.3],
    ['mkv', 0.5],
    ['mkv', -0.3],
    ['ts', 0.4],
    ['ts', -0.3],
    ['mov', 0.25],
  ] as const;

  it.each(cases)('keep their distance in .%s when sound starts %f s after the picture', async (extension, offset) => {
    const source = await folder.made(`offset${offset}.${extension}`, (path) => {
      const [picture, sound] = offset < 0 ? [-offset, 0] : [0, offset];
      return ffmpeg(
        ...['-itsoffset', String(picture), ...VIDEO, '-itsoffset', String(sound), ...tone(440)],
        ...['-map', '0:v', '-map', '1:a', ...FAST, '-fps_mode', 'passthrough', '-c:a', 'mp2', path],
      );
    });
    const distance = async (path: string) => {
      const [picture, [sound]] = [await videoStream(path), await streamsOf(path, 'audio')];
      return Number(sound?.start_time) - Number(picture.start_time);
    };
    expect(Math.abs((await distance(source)) - offset)).toBeLessThan(0.05);
    for (const target of offset > 0 ? ['mp4', 'mkv', 'ts'] : ['mp4', 'mkv']) {
      const output = folder.file(`offset${offset}-${extension}.${target}`);
      await upscale({ input: source, output });
      // Encoders of sound start up to 1024 samples early; how a container says so differs.
      const allowed = 1024 / 48_000 + 0.002;
      expect(Math.abs((await distance(output)) - (await distance(source))), target).toBeLessThanOrEqual(allowed);
    }
  });
});
