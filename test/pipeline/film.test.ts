import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { previewFrame } from '#src/index.js';
import { pulldownOf } from '#src/shared/pulldown.js';
import { ffmpeg, frameTimes, packets, streamsOf, tickOf, videoStream } from '../support/ffmpeg.js';
import { combing, fieldNumbersIn, film, halves } from '../support/fields.js';
import { testFolder } from '../support/folder.js';
import { counting, decode, shrunk } from '../support/pictures.js';
import { failure, type RunOptions, upscale } from '../support/upscale.js';

const folder = testFolder();
/** Pictures of film: they become 30 frames of television. */
const PICTURES = 24;
const WOVEN = ['-flags', '+ilme+ildct'];
const H264 = [...WOVEN, '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '4', '-bf', '2', '-g', '10'];
const MPEG2 = [...WOVEN, '-c:v', 'mpeg2video', '-q:v', '2', '-bf', '2', '-g', '10'];
const LOSSLESS = ['-c:v', 'ffvhuff'];
const NTSC = 24_000 / 1001;

function telecined(
  name: string,
  encode: readonly string[],
  { pictures = PICTURES, order = 'top', rate = '24000/1001', further = '' } = {},
): Promise<string> {
  return folder.made(name, (path) => {
    const source = `${film(rate)},trim=end_frame=${pictures},telecine=first_field=${order}${further}`;
    return ffmpeg('-f', 'lavfi', '-i', source, ...encode, '-top', order === 'top' ? '1' : '0', path);
  });
}

async function restored(name: string, options: Omit<RunOptions, 'output' | 'deinterlace'>): Promise<string> {
  const output = folder.file(name);
  await upscale({ ...options, deinterlace: 'film', output, overwrite: true });
  return output;
}

async function expectTimes(output: string, wanted: readonly number[], slack = 0): Promise<void> {
  const [times, tick] = [await frameTimes(output), await tickOf(output)];
  expect(times).toHaveLength(wanted.length);
  for (const [index, time] of times.entries())
    expect(Math.abs(time - (wanted[index] ?? Number.NaN)), `picture ${index}`).toBeLessThanOrEqual(
      tick / 2 + 1e-5 + slack,
    );
}

async function expectWhole(source: string, output: string): Promise<void> {
  const before = combing(await decode(source));
  expect(before).toBeGreaterThan(6);
  expect(combing(shrunk(await decode(output), 128, 96))).toBeLessThan(before / 3);
}

const sum = (frame: Uint8Array) => createHash('sha1').update(frame).digest('hex');
const evenly = (count: number, rate = NTSC) => counting(count).map((number) => number / rate);

describe('film that was telecined', () => {
  it.each([
    ['top', 'h264.mp4', H264, 'mp4'],
    ['bottom', 'h264.mkv', H264, 'mkv'],
    ['top', 'dvd.mpg', MPEG2, 'mov'],
    ['bottom', 'lossless.avi', LOSSLESS, 'mp4'],
  ] as const)('%s field first, %s: its own pictures, each once and at its time', async (order, name, encode, to) => {
    const source = await telecined(`${order}-${name}`, encode, { order });
    const output = folder.file(`${order}-${name}.film.${to}`);
    // Frames of AVI cannot say which field is first.
    const fieldOrder = name.endsWith('.avi') ? order : undefined;
    const { start, done } = await upscale({ input: source, output, deinterlace: 'film', fieldOrder });
    expect(await fieldNumbersIn(output)).toEqual(counting(PICTURES));
    await expectWhole(source, output);
    await expectTimes(output, evenly(PICTURES));
    expect([start.totalFrames, done.frames]).toEqual([PICTURES, PICTURES]);
    const { avg_frame_rate, field_order } = await videoStream(output);
    const [fast = 0, slow = 1] = avg_frame_rate.split('/').map(Number);
    expect(fast / slow).toBeCloseTo(NTSC, 1);
    expect(['progressive', 'unknown', undefined]).toContain(field_order);
  });

  it('whole rates become whole ones', async () => {
    const source = await telecined('whole.mkv', H264, { rate: '24' });
    const output = await restored('whole.mp4', { input: source });
    expect((await videoStream(output)).avg_frame_rate).toBe('24/1');
    await expectTimes(output, evenly(PICTURES, 24));
  });

  it('a gap keeps its time, with the picture before it held', async () => {
    // Two of the cycles of five frames.
    const source = await telecined('gap.mkv', H264, { further: ",select='not(between(n,10,19))'" });
    const output = await restored('gap.mp4', { input: source });
    const numbers = await fieldNumbersIn(output);
    await expectTimes(output, evenly(PICTURES));
    expect(numbers.slice(0, 8)).toEqual(counting(8));
    expect(new Set(numbers.slice(8, 15))).toEqual(new Set([7]));
    expect(numbers.slice(16)).toEqual(counting(PICTURES - 16, 16));
  });

  it('film whose repeats are flags only stays whole where the clock rounds', async () => {
    // As discs are copied into Matroska: three fields, two fields, in milliseconds.
    const source = await folder.made('flags.mkv', (path) => {
      const times = "settb=1/1000,setpts='round((floor(N/2)*5+mod(N,2)*3)/2*1001/30)'";
      return ffmpeg(
        ...['-f', 'lavfi', '-i', `${film('24000/1001')},trim=end_frame=${PICTURES},${times}`],
        ...['-fps_mode', 'passthrough', '-enc_time_base', '1/1000', '-c:v', 'ffv1', path],
      );
    });
    const output = await restored('flags.mp4', { input: source });
    expect(await fieldNumbersIn(output)).toEqual(counting(PICTURES));
    await expectTimes(output, evenly(PICTURES));
  });

  it.each([0, 1, 2, 3])(
    'noise costs no picture where a scene begins, nor the first of all (after %i)',
    async (after) => {
      const cut = `negate=enable='gte(n,${8 + after})',drawbox=t=fill:h=32:color=black`;
      const source = await folder.made(`noisy-${after}.mkv`, (path) => {
        const moving = film('24000/1001').split(',geq=')[0];
        const bar = `${moving},geq=lum='if(lt(mod(X+N*5,48),24),90,150)':cb=128:cr=128`;
        const numbers = `${film('24000/1001')},crop=128:32:0:0`;
        const graph = `${bar},${cut}[bar];${numbers}[numbers];[bar][numbers]overlay,trim=end_frame=${PICTURES},telecine`;
        const noisy = `${graph},noise=c0s=30:c0f=t:all_seed=7,format=yuv420p[out]`;
        return ffmpeg('-filter_complex', noisy, '-map', '[out]', '-flags', '+ilme+ildct', '-c:v', 'ffv1', path);
      });
      const output = await restored(`noisy-${after}.mp4`, { input: source, fieldOrder: 'top' });
      expect(await fieldNumbersIn(output)).toEqual(counting(PICTURES));
    },
  );

  it('film that is in the file as film, beside telecined, stays whole', async () => {
    const source = await folder.made('mixed.mov', (path) => {
      const halves = [
        `${film('24000/1001')},trim=end_frame=24,split[a][b]`,
        '[a]trim=end_frame=12[whole]',
        '[b]trim=start_frame=12,setpts=PTS-STARTPTS,telecine[fields]',
        '[whole][fields]concat=n=2[out]',
      ].join(';');
      return ffmpeg(
        ...['-filter_complex', halves, '-map', '[out]', '-fps_mode', 'passthrough', '-enc_time_base', '1/120000'],
        ...[...H264, path],
      );
    });
    const output = await restored('mixed.out.mp4', { input: source });
    expect(await fieldNumbersIn(output)).toEqual(counting(24));
    await expectTimes(output, evenly(24));
  });

  it.each<[string, { start?: number; end?: number; frames?: number }, number]>([
    ['start', { start: 0.5 }, 12],
    ['start and end', { start: 0.3, end: 0.8 }, 8],
    ['frames', { frames: 7 }, 0],
    ['start and frames', { start: 0.7, frames: 5 }, 17],
  ])('a part (%s) has the pictures of the whole', async (name, part, first) => {
    for (const extension of ['mp4', 'ts']) {
      const source = await telecined(`part.${extension}`, MPEG2, { pictures: 48 });
      const options = { input: source, codec: 'ffv1' } as const;
      const whole = (await decode(await restored(`whole-${extension}.mkv`, options))).frames.map(sum);
      const output = await restored(`part-${extension}-${name.replaceAll(' ', '-')}.mkv`, { ...options, ...part });
      const numbers = await fieldNumbersIn(output);
      expect(numbers).toEqual(counting(numbers.length, first));
      expect((await decode(output)).frames.map(sum)).toEqual(numbers.map((number) => whole[number]));
      if (part.frames) expect(numbers).toHaveLength(part.frames);
    }
  });

  it('sound stays with the picture and ends with it', async () => {
    const source = await folder.made('sounding.mov', (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', `${film('24000/1001')},trim=end_frame=48,telecine`],
        ...['-f', 'lavfi', '-i', 'sine=r=48000', '-t', '2', ...H264, '-c:a', 'aac', '-timecode', '01:00:00:20', path],
      ),
    );
    const output = await restored('sounding.mkv', { input: source, frames: 36 });
    await expectTimes(output, evenly(36));
    const [audio] = await streamsOf(output, 'audio');
    expect(Math.abs(((await packets(output, audio?.index ?? -1)).at(-1)?.pts ?? 0) - 36 / NTSC)).toBeLessThan(0.06);
    const timecoded = await restored('timecode.mov', { input: source, frames: 4 });
    expect((await streamsOf(timecoded, 'data'))[0]?.tags?.timecode).toBe('01:00:00:16');
  });

  it('is previewed by the number of its pictures', async () => {
    const input = await telecined('top-h264.mp4', H264);
    const output = folder.file('preview.png');
    await previewFrame({ input, output, frame: 13, deinterlace: 'film', device: 'cpu' });
    expect(await fieldNumbersIn(output)).toEqual([13]);
  });

  it.each([
    ['mkv', {}],
    ['ts', {}],
    ['mkv', { start: 0.4 }],
  ])('compare shows both halves of the same moment (%s %j)', async (extension, part) => {
    const input = await telecined(`compare.${extension}`, MPEG2, { pictures: 36 });
    const id = `${extension}-${Object.keys(part).join()}`;
    const output = await restored(`compare-${id}.mkv`, { input, compare: true, crf: 8, ...part });
    const alone = await restored(`alone-${id}.mkv`, { input, crf: 8, ...part });
    expect(await frameTimes(output)).toEqual(await frameTimes(alone));
    const [shown, wanted] = [halves(await decode(output)), halves(await decode(alone))];
    for (const [index, [left, right]] of shown.entries()) {
      expect(Math.abs(left - (wanted[index]?.[0] ?? 0)), `left of ${index}`).toBeLessThan(6);
      expect(Math.abs(right - (wanted[index]?.[1] ?? 0)), `right of ${index}`).toBeLessThan(6);
    }
  });

  it.each(['mkv', 'mpg'])('goes on after a stop as if there had been none (.%s)', async (extension) => {
    const input = await telecined(`long.${extension}`, MPEG2, { pictures: 44 });
    const options = { input, codec: 'ffv1' } as const;
    const whole = await restored(`resume-whole-${extension}.mkv`, options);
    const output = folder.file(`resume-${extension}.mkv`);
    const pieces = { ...options, deinterlace: 'film', output, resume: true, segmentFrames: 9, batch: 9 } as const;
    const abort = new AbortController();
    const error = await failure({ ...pieces, signal: abort.signal }, (event) => {
      if (event.type === 'progress') abort.abort();
    });
    expect(error.code).toBe('TSR_INTERRUPTED');
    const { start } = await upscale(pieces);
    expect(start.resumedFrom).toBeGreaterThan(0);
    expect(await fieldNumbersIn(output)).toEqual(counting(44));
    expect(await frameTimes(output)).toEqual(await frameTimes(whole));
    expect((await decode(output)).frames.map(sum)).toEqual((await decode(whole)).frames.map(sum));
  });
});

describe('film at a rate of its own', () => {
  it.each([
    ['30000/1001', '24000/1001'],
    ['60000/1001', '24000/1001'],
    // Some film, some television.
    ['26920/1000', '24000/1001'],
    ['2997/100', '24000/1001'],
    ['30/1', '24/1'],
    ['24/1', '24/1'],
    ['25/1', undefined],
    ['50/1', undefined],
    ['18/1', undefined],
  ])('%s frames a second: %s of film', (television, wanted) => {
    const [num = 0, den = 1] = television.split('/').map(Number);
    const film = pulldownOf({ frameRate: { num, den } })?.film;
    expect(film && `${film.num}/${film.den}`).toBe(wanted);
  });

  it('of 25 frames a second whose fields are out of step is put together again, at its times', async () => {
    const source = await folder.made('step.mkv', (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', `${film('25')},trim=end_frame=13,separatefields,select='gt(n,0)',weave=bottom`],
        ...['-frames:v', '12', ...H264, '-top', '0', path],
      ),
    );
    const output = folder.file('step.film.mkv');
    const { warnings } = await upscale({ input: source, output, deinterlace: 'film' });
    await expectWhole(source, output);
    expect(await frameTimes(output)).toEqual(await frameTimes(source));
    const numbers = await fieldNumbersIn(output);
    expect(numbers.slice(1)).toEqual(counting(11, numbers[1]));
    expect(warnings.join()).toContain('at 25 frames a second no field is repeated');
  });

  it('says that ten bits are not kept', async () => {
    const source = await telecined('deep.mkv', ['-c:v', 'ffv1', '-pix_fmt', 'yuv420p10le']);
    const { warnings } = await upscale({ input: source, output: folder.file('deep.out.mkv'), deinterlace: 'film' });
    expect(warnings.join()).toContain('in 8 bits');
  });
});

describe('a file that does not say when it begins', () => {
  it('gets no pictures in front', async () => {
    const source = await telecined('one.mpg', [...MPEG2, '-frames:v', '1'], { pictures: 1 });
    expect((await videoStream(source)).start_time).toBeUndefined();
    const output = await restored('one.mkv', { input: source });
    expect(await frameTimes(output)).toHaveLength(1);
  });
});

describe('numbered pictures of telecined film', () => {
  it('become those of the film, and a bad one is named', async () => {
    const source = await telecined('top-h264.mp4', H264);
    await mkdir(folder.file('frames'), { recursive: true });
    const pattern = folder.file('frames/%03d.png');
    await ffmpeg('-i', source, '-start_number', '1', pattern);
    const sequence = { input: pattern, fps: '30000/1001' } as const;
    const output = await restored('sequence.mp4', { ...sequence, fieldOrder: 'top' });
    expect(await fieldNumbersIn(output)).toEqual(counting(PICTURES));
    await writeFile(folder.file('frames/018.png'), 'no picture');
    const error = await failure({ ...sequence, deinterlace: 'film', output: folder.file('bad.mp4') });
    expect([error.code, error.message]).toEqual(['TSR_INPUT_SEQUENCE', expect.stringContaining('018.png')]);
  });
});

describe('a hint to film', () => {
  const CAMERA = fileURLToPath(new URL('../../examples/clip.mp4', import.meta.url));
  const camera = (name: string, filter: string) =>
    folder.made(name, (path) => {
      const filters = `setpts=N*1001/24000/TB,scroll=horizontal=0.01,scale=128:480,${filter}`;
      return ffmpeg('-r', '24000/1001', '-i', CAMERA, '-an', '-sn', '-vf', filters, ...MPEG2, '-top', '1', path);
    });
  const told = async (input: string, options: Partial<RunOptions> = {}) => {
    const output = folder.file('told.mkv');
    const { warnings } = await upscale({ input, output, overwrite: true, frames: 2, ...options });
    return warnings.filter((message) => message.startsWith('looks'));
  };

  it('says what to try where one frame in five is whole, and not where all are woven', async () => {
    const source = await camera('camera-film.mpg', 'telecine');
    expect(await told(source)).toEqual([expect.stringMatching(/telecine\): try --deinterlace film, /)]);
    expect(await told(source, { deinterlace: 'film' })).toEqual([]);
    expect(await told(source, { deinterlace: 'off' })).toEqual([]);
    const woven = await camera('camera-woven.mpg', 'interlace=lowpass=off');
    expect(await told(woven)).toEqual([]);
  });
});
