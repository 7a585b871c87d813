import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { ffmpeg, frameTimes, packets, probeFile, type Stream, videoStream } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { enlarger } from '../support/onnx.js';
import { counting, decode, numbered, numbersIn, psnr } from '../support/pictures.js';
import { errorOf, failure, type Report, type RunOptions, upscale } from '../support/upscale.js';

const folder = testFolder();
const FRAMES = 48;
const FAST = ['-c:v:0', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '10', '-crf', '18'];
const IRREGULAR = `setpts='(N*40+mod(N*N*7,29)+if(gt(N,12),1300,0))/1000/TB'`;
/** Small pieces, so that short videos have several. */
const SMALL = { resume: true, segmentFrames: 16, batch: 16 } as const;

const workOf = (output: string) => join(dirname(output), `.${basename(output)}.tinysr-resume`);

/** Frame times that jump about, sound, subtitles, chapters and, in mp4, a cover. */
function clip(extension = 'mkv'): Promise<string> {
  return folder.made(`clip.${extension}`, async (path) => {
    const cues = folder.file(`cues-${extension}.srt`);
    writeFileSync(cues, '1\n00:00:00,200 --> 00:00:00,900\nfirst\n\n2\n00:00:01,000 --> 00:00:02,500\nsecond\n\n');
    const chapters = folder.file(`chapters-${extension}.txt`);
    const chapter = (from: number, to: number, title: string) =>
      `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${from}\nEND=${to}\ntitle=${title}\n`;
    writeFileSync(chapters, `;FFMETADATA1\ntitle=Clip\n${chapter(0, 1500, 'One')}${chapter(1500, 3200, 'Two')}`);
    await ffmpeg(
      ...['-f', 'lavfi', '-i', `${numbered(64, 48, '1000')},settb=1/1000,${IRREGULAR}`],
      ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=3.2', '-i', cues, '-i', chapters],
      ...['-f', 'lavfi', '-i', 'color=red:s=32x32:d=0.04'],
      ...['-map', '0:v', '-map', '1:a', '-map', '2:s', '-map_metadata', '3', '-frames:v:0', String(FRAMES)],
      ...(extension === 'mp4' ? ['-map', '4:v', '-c:v:1', 'png', '-disposition:v:1', 'attached_pic'] : []),
      ...['-fps_mode', 'passthrough', '-enc_time_base:v:0', '1/1000', ...FAST, '-c:a', 'aac'],
      ...['-c:s', extension === 'mkv' ? 'subrip' : 'mov_text', '-metadata:s:a:0', 'language=deu', path],
    );
  });
}

/** Ninety frames at an even rate, with a time code, B-frames and sound. */
function even(extension: string): Promise<string> {
  return folder.made(`even.${extension}`, (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', numbered(64, 48, '30000/1001'), '-f', 'lavfi', '-i', 'sine=duration=3'],
      ...['-map', '0:v', '-map', '1:a', '-frames:v', '90', ...FAST, '-c:a', 'aac', '-timecode', '01:00:00:00', path],
    ),
  );
}

const LONG = 400;
const long = () =>
  folder.made('long.mkv', (path) =>
    ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', String(LONG), ...FAST, path),
  );

const SLOW = 64;
/** Frames of a second: a few of them are more than what is decoded again before a frame that is sought. */
function slow(name: string, encode: readonly string[]): Promise<string> {
  return folder.made(name, (path) =>
    ffmpeg('-f', 'lavfi', '-i', numbered(64, 48, '1'), '-frames:v', String(SLOW), ...encode, path),
  );
}

/** Runs until some frames have come out, then stops as Ctrl-C does. */
function runUntil(options: RunOptions, frames: number): Promise<Report> {
  const abort = new AbortController();
  return upscale({ ...options, signal: abort.signal }, (event) => {
    if (event.type === 'progress' && event.frames >= frames) abort.abort();
  });
}

/** The same; gives what the error says. */
async function stopped(options: RunOptions, frames: number): Promise<string> {
  const error = await errorOf(runUntil(options, frames));
  expect(error.code).toBe('TSR_INTERRUPTED');
  return error.message;
}

/**
 * Stops a run twice and lets the third come to its end. On a fast machine the first stop may find all frames of a short video
 * under way and keep them: then the second run has none to do, and ends well.
 */
async function inThree(options: RunOptions): Promise<Report> {
  await stopped(options, 1);
  const second = await runUntil(options, 1).catch((error: unknown) => {
    expect(error).toMatchObject({ code: 'TSR_INTERRUPTED' });
  });
  return second ?? upscale(options);
}

/** What is said of a track, but for which version of which library encoded it. */
function described({ codec_type, codec_name, codec_tag_string, tags, disposition, time_base, start_time }: Stream) {
  const { DURATION: _, ...rest } = tags ?? {};
  const encoder = Object.entries(rest).map(([key, value]) => [key, value.replace(/^Lavc\S+ /, '')]);
  return { codec_type, codec_name, codec_tag_string, tags: encoder, disposition, time_base, start_time };
}

/**
 * Both files are the same video, but for what an encoder that began anew made of the pictures.
 *
 * @param lastFrame seconds that the last frame may stay longer or shorter
 */
async function expectSame(one: string, other: string, lastFrame = 0.001): Promise<void> {
  expect(await frameTimes(one)).toEqual(await frameTimes(other));
  const [a, b] = [await probeFile(one), await probeFile(other)];
  expect(a.chapters).toEqual(b.chapters);
  expect(a.streams.map(described)).toEqual(b.streams.map(described));
  expect(Math.abs(Number(a.format.duration) - Number(b.format.duration))).toBeLessThanOrEqual(lastFrame);
  expect(a.format.tags).toEqual(b.format.tags);
  const [picture, same] = [await videoStream(one), await videoStream(other)];
  for (const key of [
    'width',
    'height',
    'pix_fmt',
    'sample_aspect_ratio',
    'color_range',
    'color_space',
    'color_primaries',
    'color_transfer',
    'chroma_location',
    'side_data_list',
  ] as const)
    expect(picture[key], key).toEqual(same[key]);
  for (const { index, codec_type } of a.streams)
    if (codec_type !== 'video') expect(await packets(one, index)).toEqual(await packets(other, index));
  const [pictures, wanted] = [await decode(one), await decode(other)];
  for (const [index, frame] of pictures.frames.entries())
    expect(psnr(frame, wanted.frames[index] ?? new Uint8Array()), `frame ${index}`).toBeGreaterThan(30);
}

const sum = (frame: Uint8Array) => createHash('sha1').update(frame).digest('hex');

describe('a run that was stopped and goes on', () => {
  it.each([
    ['mp4', {}],
    ['mkv', { codec: 'hevc' }],
    ['mp4', { codec: 'hevc', preset: 'ultrafast' }],
    ['mov', { codec: 'prores' }],
    ['mkv', { codec: 'ffv1' }],
    ['webm', { preset: '8' }],
    ['ts', {}],
    ['mkv', { encoder: 'libaom-av1', preset: '8' }],
    ['mp4', { codec: 'av1', preset: '12' }],
  ] as const)('gives .%s %j as one that was not', async (extension, codec) => {
    const name = `${Object.values(codec).join('-') || 'plain'}.${extension}`;
    const [whole, output] = [folder.file(`whole-${name}`), folder.file(`parts-${name}`)];
    const source = await clip(extension === 'mp4' || extension === 'mov' ? 'mp4' : 'mkv');
    await upscale({ input: source, output: whole, ...codec });
    const { start, done } = await inThree({ input: source, output, ...SMALL, ...codec });
    expect(start.resumedFrom).toBeGreaterThan(0);
    expect(done.frames).toBe(FRAMES);
    expect(await numbersIn(output)).toEqual(counting(FRAMES));
    // Frames that jump about have no usual length.
    await expectSame(output, whole, 0.15);
    expect(existsSync(workOf(output))).toBe(false);
  });

  it.each([
    ['mp4', {}],
    ['mkv', {}],
    ['mov', { codec: 'hevc', preset: 'ultrafast', width: 150, height: 111 }],
    ['ts', { codec: 'hevc', preset: 'ultrafast' }],
    ['mp4', { start: 0.5, end: 3.1 }],
    ['mkv', { start: 0.24, frames: 60 }],
    ['mkv', { ffmpegArgs: ['-tune', 'film', '-metadata', 'comment=kept'] }],
  ] as const)('is as long to the tick at an even rate, as .%s %j', async (extension, options) => {
    const name = `even-${Object.values(options).flat().join('-')}.${extension}`;
    const [whole, output] = [folder.file(`whole-${name}`), folder.file(`parts-${name}`)];
    const source = await even('mov');
    await upscale({ input: source, output: whole, ...options });
    const { start } = await inThree({ input: source, output, ...SMALL, ...options });
    expect(start.resumedFrom).toBeGreaterThan(0);
    await expectSame(output, whole);
    expect((await videoStream(output)).avg_frame_rate).toBe((await videoStream(whole)).avg_frame_rate);
  });

  it.each([
    ['closed.mp4', FAST, true],
    [
      'open.mkv',
      ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'keyint=10:open-gop=1:bframes=4:log-level=error'],
      true,
    ],
    ['vp8.webm', ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '1M'], true],
    ['broadcast.ts', FAST, true],
    ['refreshed.mp4', ['-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', 'intra-refresh=1:keyint=8'], true],
    ['old.avi', ['-c:v', 'mpeg4', '-q:v', '3'], false],
    ['raw.h264', FAST, false],
  ] as const)('finds its frame again far into %s', async (name, encode, sought) => {
    const source = await slow(name, encode);
    const [whole, output] = [folder.file(`whole-${name}.mkv`), folder.file(`parts-${name}.mkv`)];
    await upscale({ input: source, output: whole, codec: 'ffv1' });
    const { start, warnings } = await inThree({ input: source, output, ...SMALL, codec: 'ffv1' });
    expect(start.resumedFrom).toBeGreaterThanOrEqual(32);
    expect(await frameTimes(output)).toEqual(await frameTimes(whole));
    // Without loss, and so the same to the bit: what was decoded after a seek is what would have come.
    expect((await decode(output)).frames.map(sum)).toEqual((await decode(whole)).frames.map(sum));
    expect(warnings.filter((message) => message.includes('decoded from its beginning'))).toHaveLength(sought ? 0 : 1);
  });

  it.each(['mkv', 'mp4'])('keeps the times of a clock that ticks at an odd frame rate, as .%s', async (extension) => {
    const source = await folder.made('ntsc.avi', (path) =>
      ffmpeg(
        '-f',
        'lavfi',
        '-i',
        numbered(64, 48, '30000/1001'),
        '-frames:v',
        '48',
        '-c:v',
        'mpeg4',
        '-q:v',
        '3',
        path,
      ),
    );
    expect((await videoStream(source)).time_base).toBe('1001/30000');
    const [whole, output] = [folder.file(`whole-ntsc.${extension}`), folder.file(`parts-ntsc.${extension}`)];
    await upscale({ input: source, output: whole });
    await upscale({ input: source, output, ...SMALL });
    expect(await frameTimes(output)).toEqual(await frameTimes(whole));
  });

  it.each([
    ['mkv', () => clip(), {}],
    ['mp4', () => even('mov'), {}],
    ['ts', () => even('ts'), { start: 0.5, end: 3.1 }],
    ['far.mkv', () => slow('closed.mp4', FAST), {}],
  ] as const)('compares before and after as one that was not, from .%s', async (name, source, options) => {
    const [whole, output] = [folder.file(`whole-compared-${name}.mkv`), folder.file(`parts-compared-${name}.mkv`)];
    const given = { input: await source(), compare: true, codec: 'ffv1', ...options } as const;
    await upscale({ ...given, output: whole });
    const { start } = await inThree({ ...given, output, ...SMALL });
    expect(start.resumedFrom).toBeGreaterThan(0);
    expect(await frameTimes(output)).toEqual(await frameTimes(whole));
    expect((await decode(output)).frames.map(sum)).toEqual((await decode(whole)).frames.map(sum));
  });

  it('compares no source that cannot be sought', async () => {
    const source = await slow('old.avi', ['-c:v', 'mpeg4', '-q:v', '3']);
    const error = await failure({ input: source, output: folder.file('old.mkv'), compare: true, resume: true });
    expect([error.code, error.hint]).toEqual(['TSR_USAGE', expect.stringContaining('-c copy OUT.mkv')]);
    expect(existsSync(workOf(folder.file('old.mkv')))).toBe(false);
  });

  it('keeps finished pieces when it is killed, and only those', async () => {
    const output = folder.file('killed.mkv');
    const options = { input: await long(), output, device: 'cpu', resume: true, segmentFrames: 40, batch: 8 } as const;
    const script = folder.file('killed.mjs');
    const library = new URL('../../dist/index.js', import.meta.url);
    const watch = '(event) => console.log(JSON.stringify(event))';
    const call = `upscaleVideo(${JSON.stringify(options)}).subscribe(${watch})`;
    writeFileSync(script, `import { upscaleVideo } from '${library}';\n${call};\n`);
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.once('close', resolve));
    for await (const line of createInterface(child.stdout)) {
      // As soon as a piece is finished: at the latest when the whole video is.
      if (JSON.parse(line).type !== 'start' && existsSync(join(workOf(output), 'manifest.json'))) child.kill('SIGKILL');
    }
    await ended;
    const { segments } = JSON.parse(readFileSync(join(workOf(output), 'manifest.json'), 'utf8'));
    const { start, done, events } = await upscale(options);
    expect(start.resumedFrom).toBe(40 * segments.length);
    expect(start.resumedFrom).toBeGreaterThanOrEqual(40);
    const first = events.find((event) => event.type === 'progress');
    expect(first?.frames).toBeGreaterThan(start.resumedFrom);
    expect(done.frames).toBe(LONG);
    expect(await numbersIn(output)).toEqual(counting(LONG).map((number) => number % 256));
    expect(namesIn(folder.path).filter((name) => /killed\.mkv/.test(name))).toEqual(['killed.mkv']);
  });

  it('needs no frame again when all but the joining was done', async () => {
    const [output, tool] = [folder.file('unjoined.mp4'), folder.file('ffmpeg-that-cannot-join')];
    const refuse = 'case "$*" in *"-f mp4 -i pipe:0"*) echo "file:x: No space left on device" >&2; exit 1;; esac';
    writeFileSync(tool, `#!/bin/sh\n${refuse}\nexec ffmpeg "$@"\n`, { mode: 0o755 });
    const options = { input: await even('mov'), output, ...SMALL };
    process.env.TINYSR_FFMPEG = tool;
    const error = await failure(options).finally(() => delete process.env.TINYSR_FFMPEG);
    expect(error.code).toBe('TSR_OUTPUT_DISK_FULL');
    expect(error.hint).toBe(
      'Free some space, or write to another disk. All is kept up to frame 90 of 90; the same command goes on from there.',
    );
    const { start, done } = await upscale(options);
    expect([start.resumedFrom, done.frames, done.fps]).toEqual([90, 90, 0]);
    expect(await frameTimes(output)).toHaveLength(90);
  });

  it('does again what is not whole any more', async () => {
    const output = folder.file('cut.mkv');
    const options = { input: await even('mov'), output, ...SMALL };
    await stopped(options, 1);
    await stopped(options, 1);
    truncateSync(join(workOf(output), '000001.seg'), 100);
    const { start } = await upscale(options);
    expect(start.resumedFrom).toBe(16);
    expect(await numbersIn(output)).toEqual(counting(90));
  });

  it('tells damage that an earlier run met', async () => {
    const source = await folder.made('damaged.mkv', async (path) => {
      const bytes = readFileSync(await long());
      bytes.fill(0x55, Math.round(bytes.length * 0.1), Math.round(bytes.length * 0.1) + 400);
      writeFileSync(path, bytes);
    });
    const [whole, output] = [folder.file('whole-damaged.mkv'), folder.file('parts-damaged.mkv')];
    const expected = await upscale({ input: source, output: whole });
    expect(expected.done.damaged).toBeGreaterThan(0);
    const options = { input: source, output, resume: true, segmentFrames: 100, batch: 16 };
    await stopped(options, 220);
    const { done, warnings } = await upscale(options);
    expect(done.damaged).toBe(expected.done.damaged);
    expect(warnings).toEqual(expected.warnings);
    expect(await frameTimes(output)).toEqual(await frameTimes(whole));
  });
});

describe('a run that cannot go on', () => {
  it.each([
    [{ crf: 30 }, '--crf (was not given, is 30)'],
    [{ codec: 'hevc' }, '--codec (was h264, is hevc), --encoder (was libx264, is libx265)'],
    [{ scale: 2 }, 'size of the picture (was 256x192, is 128x96)'],
    [{ model: 'tinysr-nano-x2', scale: 4 }, '--model (was tinysr-nano, is tinysr-nano-x2), content of the model'],
    [{ end: 2 }, '--end (was not given, is 2)'],
    [{ compare: true }, '--compare (was not given, is given)'],
    [{ ffmpegArgs: ['-tune', 'film'] }, '--ffmpeg-arg (was not given, is -tune film)'],
  ] as const)('says that %j is new', async (changed, what) => {
    const output = folder.file('changed.mkv');
    const options = { input: await even('mov'), output, ...SMALL };
    if (!existsSync(workOf(output))) await stopped(options, 1);
    const before = namesIn(workOf(output));
    const { code, message, hint } = await failure({ ...options, ...changed });
    expect(code).toBe('TSR_RESUME_MISMATCH');
    expect(message).toBe(`${output}: cannot go on where an earlier run stopped: not as it was: ${what}`);
    expect(hint).toContain(`remove ${workOf(output)} to start over`);
    expect(namesIn(workOf(output))).toEqual(before);
  });

  it('says that the same model is said to be another one', async () => {
    const [model, output] = [folder.file('own.onnx'), folder.file('own.mkv')];
    writeFileSync(model, enlarger({ scale: 2 }));
    const options = { input: await even('mov'), output, model, ...SMALL };
    await stopped(options, 1);
    writeFileSync(`${model}.json`, '{"channels": "bgr"}');
    expect((await failure(options)).message).toContain('channels and white of the model (was rgb 1, is bgr 1)');
  });

  it('says that the source changed', async () => {
    const [source, output] = [folder.file('touched.mov'), folder.file('touched.mkv')];
    copyFileSync(await even('mov'), source);
    const options = { input: source, output, ...SMALL };
    await stopped(options, 1);
    utimesSync(source, 1_000_000_000, 1_000_000_000);
    expect((await failure(options)).message).toContain('date of the source (was ');
    const bytes = readFileSync(source);
    writeFileSync(source, Buffer.concat([bytes, Buffer.from([0, 0, 0, 8, 0x66, 0x72, 0x65, 0x65])]));
    expect((await failure(options)).message).toMatch(/size of the source .* content of the source/);
    rmSync(workOf(output), { recursive: true });
    expect((await upscale(options)).start.resumedFrom).toBe(0);
  });

  it('says that what was written down is no longer readable', async () => {
    const output = folder.file('torn.mkv');
    const options = { input: await even('mov'), output, ...SMALL };
    await stopped(options, 1);
    writeFileSync(join(workOf(output), 'manifest.json'), '{"version":1,');
    const { code, message } = await failure(options);
    expect(code).toBe('TSR_RESUME_MISMATCH');
    expect(message).toContain('what is written about its finished pieces cannot be read');
  });

  it('says that the source went, and goes on when it is back', async () => {
    const [source, output] = [folder.file('going.mov'), folder.file('going.mkv')];
    const bytes = readFileSync(await even('mov'));
    const times = [1_000_000_000, 1_000_000_000] as const;
    writeFileSync(source, bytes);
    utimesSync(source, ...times);
    const error = await failure({ input: source, output, ...SMALL }, ({ type }) => {
      if (type === 'progress') rmSync(source, { force: true });
    });
    expect([error.code, error.message]).toEqual([
      'TSR_INPUT_NOT_FOUND',
      expect.stringContaining(`the source ${source} went while it was upscaled`),
    ]);
    expect(error.hint).toContain('All is kept up to frame 90 of 90');
    writeFileSync(source, bytes);
    utimesSync(source, ...times);
    expect((await upscale({ input: source, output, ...SMALL })).done).toMatchObject({ frames: 90, resumedFrom: 90 });
  });

  it('is refused while another one writes the same output', async () => {
    const output = folder.file('twice.mkv');
    const options = { input: await long(), output, resume: true };
    const refused: Promise<unknown>[] = [];
    const report = await upscale(options, (event) => {
      if (event.type === 'start') refused.push(failure(options).then(({ code }) => code));
    });
    expect(await Promise.all(refused)).toEqual(['TSR_OUTPUT_CLASH']);
    expect(report.done.frames).toBe(LONG);
  });

  it.each([
    [{ input: '-' }, 'a video from stdin cannot be resumed'],
    [{ output: '-' }, 'a video to stdout cannot be resumed'],
    [{ resume: false }, 'segmentFrames means nothing without resume'],
    [{ segmentFrames: 0 }, 'option segmentFrames: Too small: expected number to be >=1'],
  ])('with %j says why', async (options, message) => {
    const error = await failure({ input: 'x.mkv', output: folder.file('no.mkv'), ...SMALL, ...options });
    expect([error.code, error.message]).toEqual(['TSR_USAGE', message]);
  });
});

it('leaves nothing when it is stopped before anything is finished', async () => {
  const output = folder.file('early.mkv');
  const message = await stopped({ input: await even('mov'), output, resume: true, batch: 1 }, 1);
  expect(message).toBe('stopped; nothing was left behind');
  expect(existsSync(workOf(output))).toBe(false);
});

it('says how far it came, and a run without it that it could go on', async () => {
  const output = folder.file('told.mkv');
  const options = { input: await even('mov'), output };
  const message = await stopped({ ...options, ...SMALL }, 1);
  expect(message).toMatch(/^stopped after frame \d+ of 90; the same command goes on from there$/);
  expect((await upscale(options)).warnings).toEqual([
    'an earlier run left finished pieces of this output: --resume would go on from there',
  ]);
});
