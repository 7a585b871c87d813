import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { previewFrame, probe } from '#src/index.js';
import { ffmpeg, frameTimes, packets, streamsOf, tickOf, videoStream } from '../support/ffmpeg.js';
import { combing, fieldNumbersIn, halves, type Woven, woven } from '../support/fields.js';
import { testFolder } from '../support/folder.js';
import { counting, decode, type Pictures, shrunk } from '../support/pictures.js';
import { errorOf, failure, type RunOptions, upscale } from '../support/upscale.js';

const folder = testFolder();
const FRAMES = 10;
const WOVEN_CODING = ['-flags', '+ilme+ildct'];
const mark = (order: Woven['order']) => ['-top', order === 'tff' ? '1' : '0'];
const H264 = [...WOVEN_CODING, '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '8', '-bf', '2', '-g', '5'];
const MPEG2 = [...WOVEN_CODING, '-c:v', 'mpeg2video', '-q:v', '2', '-bf', '2', '-g', '5'];
/** Begins an extension of MPEG-2's headers. */
const EXTENSION = Buffer.from([0, 0, 1, 0xb5]);
/** Frames that carry no mark of their own. */
const SILENT = ['-c:v', 'ffvhuff'];

function clip(name: string, look: Woven, encode: readonly string[], filters = ''): Promise<string> {
  return folder.made(name, (path) =>
    ffmpeg('-f', 'lavfi', '-i', `${woven(look)}${filters}`, '-frames:v', String(FRAMES), ...encode, path),
  );
}

const marked = () => clip('marked.mp4', { order: 'tff' }, [...H264, ...mark('tff')]);
const unmarked = (order: Woven['order'] = 'tff') => clip(`unmarked-${order}.avi`, { order }, SILENT);

/** With a second of sound. */
const sounding = () =>
  folder.made('sounding.mov', (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', woven({ order: 'bff' }), '-f', 'lavfi', '-i', 'sine=r=48000', '-t', '1'],
      ...[...H264, ...mark('bff'), '-c:a', 'aac', '-timecode', '01:00:00:11', path],
    ),
  );

async function restored(name: string, options: Omit<RunOptions, 'output'>): Promise<string> {
  const output = folder.file(name);
  await upscale({ ...options, output, overwrite: true });
  return output;
}

async function expectWhole(source: string, output: string): Promise<void> {
  expect(['progressive', 'unknown', undefined]).toContain((await videoStream(output)).field_order);
  const before = combing(await decode(source));
  expect(before).toBeGreaterThan(15);
  expect(combing(shrunk(await decode(output), 128, 96))).toBeLessThan(before / 3);
}

/** Times of both fields of frames at given times, where they come evenly. */
const evenly = (frames: readonly number[], field: number) => frames.flatMap((time) => [time, time + field]);

async function expectTimes(output: string, wanted: readonly number[]): Promise<void> {
  const [times, tick] = [await frameTimes(output), await tickOf(output)];
  expect(times).toHaveLength(wanted.length);
  // Six digits are printed of each.
  for (const [index, time] of times.entries())
    expect(Math.abs(time - (wanted[index] ?? Number.NaN)), `picture ${index}`).toBeLessThanOrEqual(tick / 2 + 2e-6);
}

const sum = (frame: Uint8Array) => createHash('sha1').update(frame).digest('hex');

describe('a picture of each field', () => {
  it.each([
    ['tff', '50', 'h264.mp4', H264, 'mp4'],
    ['bff', '50', 'h264.mkv', H264, 'mkv'],
    ['tff', '60000/1001', 'ntsc.mov', H264, 'mp4'],
    ['bff', '60000/1001', 'ntsc.ts', MPEG2, 'mov'],
    ['tff', '60000/1001', 'ntsc.mkv', MPEG2, 'mkv'],
    ['tff', '50', 'broadcast.ts', MPEG2, 'ts'],
    ['bff', '50', 'divx.avi', [...WOVEN_CODING, '-c:v', 'mpeg4', '-q:v', '2'], 'webm'],
  ] as const)(
    '%s, %s fields a second, %s: each in its order and at its time',
    async (order, rate, name, encode, to) => {
      const source = await clip(`${order}-${name}`, { order, rate }, [...encode, ...mark(order)]);
      const output = folder.file(`${order}-${name}.fields.${to}`);
      const { start, done, events } = await upscale({ input: source, output, deinterlace: 'field' });
      expect(await fieldNumbersIn(output)).toEqual(counting(2 * FRAMES));
      await expectWhole(source, output);
      const [num = 0, den = 1] = rate.split('/').map(Number);
      const frames = await frameTimes(source);
      // Transport streams begin where they like.
      const zero = name.endsWith('.ts') ? (frames[0] ?? 0) : 0;
      const begin = to === 'ts' ? ((await frameTimes(output))[0] ?? 0) : 0;
      await expectTimes(
        output,
        evenly(frames, den / num).map((time) => time - zero + begin),
      );
      expect([start.totalFrames, done.frames]).toEqual([2 * FRAMES, 2 * FRAMES]);
      expect(events.filter(({ type }) => type === 'progress').at(-1)).toMatchObject({ totalFrames: 2 * FRAMES });
      const [fast = 0, slow = 1] = (await videoStream(output)).avg_frame_rate.split('/').map(Number);
      expect(Math.abs(fast / slow / (num / den) - 1)).toBeLessThan(0.06);
    },
  );

  it.each([
    ['libx265', 'mkv'],
    ['ffv1', 'mkv'],
    ['prores_ks', 'mov'],
    ['libsvtav1', 'mp4'],
  ] as const)('%s is given half ticks, too', async (encoder, extension) => {
    const source = await clip('ntsc-tff.mov', { order: 'tff', rate: '60000/1001' }, [...H264, ...mark('tff')]);
    const output = await restored(`by-${encoder}.${extension}`, { input: source, deinterlace: 'field', encoder });
    expect(await fieldNumbersIn(output)).toEqual(counting(2 * FRAMES));
    await expectTimes(output, evenly(await frameTimes(source), 1001 / 60_000));
  });

  it('uneven frames: half-way where frames follow each other, a field later where some are missing', async () => {
    const uneven = `,settb=1/1000,setpts='(N*40+mod(N,2)*7+gt(N,3)*40+gt(N,6)*1000)/1000/TB'`;
    const encode = [...['-fps_mode', 'passthrough', '-enc_time_base', '1/1000'], ...H264, ...mark('tff')];
    const source = await clip('uneven.mkv', { order: 'tff' }, encode, uneven);
    const frames = await frameTimes(source);
    const first = frames[0] ?? 0;
    expect(frames.map((time) => Math.round((time - first) * 1000))).toEqual([
      ...[0, 47, 80, 127, 200, 247, 280, 1327, 1360, 1407],
    ]);
    const output = await restored('uneven.mp4', { input: source, deinterlace: 'field' });
    expect(await fieldNumbersIn(output)).toEqual(counting(2 * FRAMES));
    const times = await frameTimes(output);
    const wanted = [0, 23.5, 47, 63.5, 80, 103.5, 127, 163.5, 200, 223.5, 247, 263.5, 280, 'gap', 1327, 1343.5, 1360];
    for (const [index, ms] of wanted.entries())
      if (typeof ms === 'number') expect(times[index]).toBeCloseTo(first + ms / 1000, 5);
    const afterGap = (times[13] ?? 0) - (times[12] ?? 0);
    const rate = (await probe(source)).video.frameRate ?? { num: 1, den: 1 };
    expect(afterGap).toBeCloseTo(rate.den / rate.num / 2, 3);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('one frame alone is two pictures', async () => {
    const source = await folder.made('one.mkv', async (path) =>
      ffmpeg('-i', await marked(), '-frames:v', '1', ...MPEG2, ...mark('tff'), path),
    );
    const output = folder.file('one.mp4');
    const { warnings } = await upscale({ input: source, output, deinterlace: 'field' });
    await expectTimes(output, [0, 0.02]);
    expect(warnings.join()).not.toContain('timestamp');
  });

  it.each([
    ['start on a frame', { start: 0.08 }, counting(16, 4), 0],
    ['start on a second field', { start: 0.1 }, counting(15, 5), 0],
    ['start between fields', { start: 0.11 }, counting(14, 6), 0.01],
    ['end', { end: 0.3 }, counting(15), 0],
    ['start and end', { start: 0.1, end: 0.22 }, counting(6, 5), 0],
    ['frames', { frames: 7 }, counting(7), 0],
    ['start and frames', { start: 0.14, frames: 5 }, counting(5, 7), 0],
    ['more frames than there are', { frames: 99 }, counting(2 * FRAMES), 0],
  ])('%s: exactly those fields, as in the whole', async (name, part, numbers, first) => {
    for (const extension of ['mp4', 'ts']) {
      const source = await clip(`part.${extension}`, { order: 'tff' }, [...MPEG2, ...mark('tff')]);
      const id = name.replaceAll(' ', '-');
      const output = folder.file(`${id}-${extension}.mkv`);
      const options = { input: source, deinterlace: 'field', codec: 'ffv1' } as const;
      const { start, done } = await upscale({ ...options, output, ...part });
      expect(await fieldNumbersIn(output)).toEqual(numbers);
      await expectTimes(
        output,
        numbers.map((_, index) => first + index / 50),
      );
      expect(done.frames).toBe(numbers.length);
      // By rate and length, a part has one more or less.
      expect(Math.abs((start.totalFrames ?? 0) - numbers.length)).toBeLessThanOrEqual(1);
      // Pictures are made of the frames around, those beyond the cut as well.
      const whole = (await decode(await restored(`whole-${extension}.mkv`, options))).frames;
      const wanted = numbers.map((number) => sum(whole[number] ?? new Uint8Array()));
      expect((await decode(output)).frames.map(sum)).toEqual(wanted);
    }
  });

  it.each([
    [{}, 1],
    [{ frames: 15 }, 0.3],
    [{ start: 0.1, end: 0.62 }, 0.52],
    [{ start: 0.2, frames: 21 }, 0.42],
  ])('%j: sound stays with the picture', async (part, seconds) => {
    const source = await sounding();
    const output = await restored('sounding.mkv', { input: source, deinterlace: 'field', ...part });
    expect(await frameTimes(output)).toHaveLength(Math.round(seconds * 50));
    const [from, to] = [(await streamsOf(source, 'audio'))[0], (await streamsOf(output, 'audio'))[0]];
    const [heard, given] = [await packets(output, to?.index ?? -1), await packets(source, from?.index ?? -1)];
    const shift = 'start' in part ? part.start : 0;
    const place = ({ pts }: { pts: number }) => given.find((packet) => Math.abs(packet.pts - shift - pts) < 0.002);
    for (const packet of heard.slice(1, -1)) expect(place(packet)?.size).toBe(packet.size);
    expect(Math.abs((heard.at(-1)?.pts ?? 0) - seconds)).toBeLessThan(0.06);
  });

  it('the time code counts fields', async () => {
    const source = await sounding();
    const timecode = async (path: string) => (await streamsOf(path, 'data'))[0]?.tags?.timecode;
    expect(await timecode(source)).toBe('01:00:00:11');
    expect(await timecode(await restored('code-auto.mov', { input: source }))).toBe('01:00:00:11');
    expect(await timecode(await restored('code.mov', { input: source, deinterlace: 'field' }))).toBe('01:00:00:22');
  });

  it('is previewed by its number', async () => {
    const input = await marked();
    for (const frame of [0, 3, 2 * FRAMES - 1]) {
      const output = folder.file(`field-${frame}.png`);
      await previewFrame({ input, output, frame, deinterlace: 'field', device: 'cpu' });
      expect(await fieldNumbersIn(output)).toEqual([frame]);
    }
    const beyond = { input, output: folder.file('beyond.png'), frame: 2 * FRAMES, device: 'cpu' } as const;
    expect((await errorOf(previewFrame({ ...beyond, deinterlace: 'field' }))).code).toBe('TSR_INPUT_NO_FRAMES');
  });

  it.each([
    ['field', {}, 2 * FRAMES],
    ['field', { start: 0.1 }, 15],
    ['auto', {}, FRAMES],
  ] as const)('compare shows both halves of the same moment (%s %j)', async (deinterlace, part, count) => {
    const output = await restored(`compare-${deinterlace}.mkv`, {
      ...{ input: await marked(), compare: true, deinterlace, crf: 8, ...part },
    });
    const alone = await restored(`alone-${deinterlace}.mkv`, { input: await marked(), deinterlace, crf: 8, ...part });
    expect(await frameTimes(output)).toEqual(await frameTimes(alone));
    expect(await frameTimes(output)).toHaveLength(count);
    const [shown, wanted] = [halves(await decode(output)), halves(await decode(alone))];
    for (const [index, [left, right]] of shown.entries()) {
      expect(Math.abs(left - (wanted[index]?.[0] ?? 0)), `left of ${index}`).toBeLessThan(6);
      expect(Math.abs(right - (wanted[index]?.[1] ?? 0)), `right of ${index}`).toBeLessThan(6);
    }
    expect(combing(shrunk(await decode(output), 128, 96))).toBeLessThan(combing(await decode(await marked())) / 3);
  });

  it.each([
    ['mp4', {}],
    ['ts', {}],
    ['mkv', {}],
    ['mp4', { compare: true }],
    ['ts', { start: 0.3, end: 1.5 }],
  ])('goes on after a stop as if there had been none, .%s %j', async (extension, part) => {
    const source = await folder.made(`long.${extension}`, (path) =>
      ffmpeg('-f', 'lavfi', '-i', woven({ order: 'tff' }), '-frames:v', '40', ...MPEG2, ...mark('tff'), path),
    );
    const options = { input: source, deinterlace: 'field', codec: 'ffv1', ...part } as const;
    const id = [extension, ...Object.keys(part)].join('-');
    const whole = await restored(`resume-whole-${id}.mkv`, options);
    const output = folder.file(`resume-${id}.mkv`);
    // An odd number of pictures: the second field of a frame whose first one is done.
    const pieces = { ...options, output, resume: true, segmentFrames: 9, batch: 9 };
    for (let stop = 0; stop < 2; stop += 1) {
      const abort = new AbortController();
      const error = await failure({ ...pieces, signal: abort.signal }, (event) => {
        if (event.type === 'progress') abort.abort();
      });
      expect(error.code).toBe('TSR_INTERRUPTED');
    }
    const other = await failure({ ...pieces, deinterlace: 'frame' });
    expect([other.code, other.message]).toEqual(['TSR_RESUME_MISMATCH', expect.stringContaining('--deinterlace')]);
    const { start, done } = await upscale(pieces);
    expect(start.resumedFrom).toBeGreaterThan(0);
    const [count, first] = 'start' in part ? [60, 15] : [80, 0];
    expect([start.totalFrames, done.frames]).toEqual([count, count]);
    expect(await fieldNumbersIn(output)).toEqual(counting(count, first));
    expect(await frameTimes(output)).toEqual(await frameTimes(whole));
    expect((await decode(output)).frames.map(sum)).toEqual((await decode(whole)).frames.map(sum));
  });
});

describe('sources that do not say that they are interlaced', () => {
  it('are left as they are by themselves, and deinterlaced when asked', async () => {
    const input = await unmarked();
    expect((await probe(input)).video).toMatchObject({ fieldOrder: undefined, interlaced: false });
    const left = await restored('left.mkv', { input });
    expect(combing(shrunk(await decode(left), 128, 96))).toBeGreaterThan(10);
    const output = folder.file('asked.mkv');
    const { warnings } = await upscale({ input, output, deinterlace: 'frame' });
    await expectWhole(input, output);
    expect(await frameTimes(output)).toEqual(await frameTimes(left));
    // The first field of each.
    expect(await fieldNumbersIn(output)).toEqual(counting(FRAMES).map((frame) => 2 * frame));
    expect(warnings.join()).toContain('--field-order bottom');
  });

  it.each([
    ['tff', 'top', counting(2 * FRAMES)],
    ['bff', 'bottom', counting(2 * FRAMES)],
    // What a wrong order looks like: each later field before the earlier one.
    ['bff', 'top', counting(2 * FRAMES).map((number) => number + (number % 2 ? -1 : 1))],
    ['bff', undefined, counting(2 * FRAMES).map((number) => number + (number % 2 ? -1 : 1))],
  ] as const)('%s with the %s field first', async (order, fieldOrder, numbers) => {
    const input = await unmarked(order);
    const output = await restored(`${order}-${fieldOrder}.mkv`, { input, deinterlace: 'field', fieldOrder });
    expect(await fieldNumbersIn(output)).toEqual(numbers);
  });

  it('a wrong mark gives way to --field-order', async () => {
    const input = await clip('wrong.mp4', { order: 'bff' }, [...MPEG2, ...mark('tff')]);
    const options = { input, fieldOrder: 'bottom' } as const;
    const frames = await restored('righted-frames.mkv', options);
    expect(await fieldNumbersIn(frames)).toEqual(counting(FRAMES).map((frame) => 2 * frame));
    const fields = await restored('righted-fields.mkv', { ...options, deinterlace: 'field' });
    expect(await fieldNumbersIn(fields)).toEqual(counting(2 * FRAMES));
  });

  it('a field order for frames that are taken as whole is told to do nothing', async () => {
    const { warnings } = await upscale({
      input: await unmarked(),
      output: folder.file('order.mkv'),
      fieldOrder: 'top',
    });
    expect(warnings).toEqual([expect.stringContaining('--field-order top does nothing')]);
  });
});

describe('what says that frames are interlaced', () => {
  it.each([
    // The container says it of frames that cannot be marked.
    ['bff', 'silent.mkv', [...SILENT, '-field_order', 'bb']],
    // Matroska that calls frames progressive which are marked otherwise.
    ['tff', 'progressive.mkv', [...H264, '-x264-params', 'tff=1']],
    // A stream that says nothing of marked frames.
    ['bff', 'unknown.avi', [...WOVEN_CODING, '-c:v', 'mpeg4', '-q:v', '2']],
  ] as const)('%s %s: stream or frames', async (order, name, encode) => {
    const told = name === 'progressive.mkv' ? [] : mark(order);
    const source = await clip(`says-${name}`, { order }, [...encode, ...told]);
    if (name === 'progressive.mkv') expect((await videoStream(source)).field_order).toBe('progressive');
    const output = folder.file(`says-${name}.mkv`);
    const { warnings } = await upscale({ input: source, output });
    expect(warnings).toEqual([expect.stringContaining('each frame is deinterlaced')]);
    await expectWhole(source, output);
    if (name !== 'progressive.mkv') {
      const fields = await restored(`says-${name}.fields.mkv`, { input: source, deinterlace: 'field' });
      expect(await fieldNumbersIn(fields)).toEqual(counting(2 * FRAMES));
    }
  });

  it.each([
    ['tff', 'top', 'mp4'],
    ['bff', 'bottom', 'ts'],
  ] as const)(
    'HEVC of single fields is told of, with a command that joins them (%s)',
    async (order, first, extension) => {
      const x265 = `interlace=${order}:log-level=error`;
      const encode = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', x265];
      const look = { order, size: '128x192' } as const;
      const source = await folder.made(`fields-${order}.${extension}`, (path) => {
        const filters = `${woven(look)},separatefields`;
        return ffmpeg('-f', 'lavfi', '-i', filters, '-frames:v', String(2 * FRAMES), ...encode, path);
      });
      expect((await probe(source)).video).toMatchObject({ singleFields: first, interlaced: false, height: 96 });
      const output = folder.file(`fields-${order}.out.mkv`);
      const { warnings, done } = await upscale({ input: source, output });
      const [said] = warnings.filter((warning) => warning.includes('single field'));
      expect(done.frames).toBe(2 * FRAMES);

      const command =
        /\(ffmpeg (.*) JOINED\.mkv\)/
          .exec(said ?? '')?.[1]
          ?.replace('IN', source)
          .split(' ') ?? [];
      const joined = await folder.made(`joined-${order}.mkv`, (path) => ffmpeg(...command, path));
      expect((await probe(joined)).video).toMatchObject({ fieldOrder: first, interlaced: true, height: 192 });
      const fields = await restored(`joined-${order}.fields.mkv`, { input: joined, deinterlace: 'field' });
      expect(await fieldNumbersIn(fields)).toEqual(counting(2 * FRAMES));
      const ordinary = await folder.made('whole.hevc.mp4', (path) =>
        ffmpeg('-f', 'lavfi', '-i', woven(look), '-frames:v', '2', ...encode.slice(0, 4), path),
      );
      expect((await probe(ordinary)).video).toMatchObject({ singleFields: undefined, height: 192 });
    },
  );

  it('DV says it in its frames', async () => {
    const source = await folder.made('tape.dv', (path) => {
      const dv = ['-frames:v', '4', '-c:v', 'dvvideo', '-pix_fmt', 'yuv420p'];
      return ffmpeg('-f', 'lavfi', '-i', woven({ order: 'bff', size: '720x576' }), ...dv, path);
    });
    expect((await videoStream(source)).field_order).not.toBe('bb');
    expect((await probe(source)).video).toMatchObject({ fieldOrder: 'bottom', interlaced: true });
    const output = await restored('tape.mkv', { input: source, deinterlace: 'field', width: 720 });
    expect(await fieldNumbersIn(output)).toEqual(counting(8));
    expect(await frameTimes(output)).toEqual(counting(8).map((number) => number / 50));
  });

  it.each([
    ['mpeg2video', 'mpg', MPEG2],
    ['h264', 'ts', H264],
  ] as const)(
    'some frames of a disc or broadcast may be whole and some woven (%s in .%s)',
    async (codec, extension, encode) => {
      const size = '64x480';
      const part = (name: string, source: string, options: readonly string[]) =>
        folder.made(`${codec}-${name}.ts`, (path) =>
          ffmpeg('-f', 'lavfi', '-i', source, '-frames:v', '6', ...options, path),
        );
      const source = await folder.made(`mixed.${extension}`, async (path) => {
        const whole = await part('whole', `testsrc2=s=${size}:r=25`, encode.slice(WOVEN_CODING.length));
        const later = await part('woven', woven({ order: 'tff', size }), [...encode, ...mark('tff')]);
        const bytes = await readFile(whole);
        // Of MPEG-2 on discs: frames are whole, though the sequence does not promise it.
        for (let at = bytes.indexOf(EXTENSION); at >= 0; at = bytes.indexOf(EXTENSION, at + 4))
          if ((bytes[at + 4] ?? 0) >> 4 === 1) bytes[at + 5] = (bytes[at + 5] ?? 0) & ~0x08;
        await writeFile(whole, bytes);
        const list = folder.file(`${codec}.txt`);
        await writeFile(list, `file '${whole}'\nfile '${later}'\n`);
        await ffmpeg('-f', 'concat', '-safe', '0', '-i', list, '-c', 'copy', path);
      });
      expect((await videoStream(source)).field_order).toBe('progressive');
      const options = { input: source, codec: 'ffv1', model: 'tinysr-nano-x2' } as const;
      const [output, off] = [await restored(`mixed-${codec}.mkv`, options), folder.file(`mixed-${codec}-off.mkv`)];
      const { warnings } = await upscale({ ...options, deinterlace: 'off', output: off });
      expect(warnings).toEqual([]);
      expect(await frameTimes(output)).toEqual(await frameTimes(off));
      const [shown, left] = [await decode(output), await decode(off)];
      expect(shown.frames.slice(0, 5).map(sum)).toEqual(left.frames.slice(0, 5).map(sum));
      const combs = (pictures: Pictures) => combing(shrunk({ ...pictures, frames: pictures.frames.slice(7) }, 64, 480));
      expect(combs(left)).toBeGreaterThan(15);
      expect(combs(shown)).toBeLessThan(combs(left) / 3);
    },
  );

  it('frames that are marked as whole stay as they are, whatever the stream says', async () => {
    const source = await folder.made('film.ts', (path) => {
      const stripes = `color=black:s=64x48:r=25,format=yuv420p,geq=lum='if(lt(mod(Y,4),2),200,40)':cb=128:cr=128`;
      return ffmpeg('-f', 'lavfi', '-i', stripes, '-frames:v', '4', '-c:v', 'mpeg2video', '-q:v', '2', path);
    });
    const run = async (deinterlace: 'auto' | 'off' | 'frame') => {
      const output = await restored(`film-${deinterlace}.mkv`, { input: source, deinterlace, codec: 'ffv1' });
      return (await decode(output)).frames.map(sum);
    };
    expect(await run('auto')).toEqual(await run('off'));
  });
});

describe('not deinterlacing', () => {
  it('leaves the combs, as whole pictures, and says what that means', async () => {
    const input = await marked();
    const output = folder.file('off.mp4');
    const { warnings, done } = await upscale({ input, output, deinterlace: 'off' });
    expect(warnings).toEqual([expect.stringContaining('not deinterlaced')]);
    expect(done.frames).toBe(FRAMES);
    expect((await videoStream(output)).field_order).toBe('progressive');
    expect(await frameTimes(output)).toEqual(await frameTimes(input));
    expect(combing(shrunk(await decode(output), 128, 96))).toBeGreaterThan(10);
  });
});

describe('choices that are none', () => {
  it.each<[object, string]>([
    [{ deinterlace: 'yes' }, 'deinterlace'],
    [{ fieldOrder: 'tff' }, 'fieldOrder'],
    [{ deinterlace: 'off', fieldOrder: 'top' }, '--field-order top and --deinterlace off do not go together'],
  ])('%j', async (options, message) => {
    const given = { input: 'none.mp4', output: 'out.mp4', ...options } as RunOptions;
    const error = await failure(given);
    expect([error.code, error.message]).toEqual(['TSR_USAGE', expect.stringContaining(message)]);
    const preview = await errorOf(previewFrame({ ...given, output: 'out.png', frame: 0 }));
    expect([preview.code, preview.message]).toEqual(['TSR_USAGE', expect.stringContaining(message)]);
  });
});
