import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ffmpeg, packets, streamsOf, videoStream } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';
import { failure, upscale } from '../support/upscale.js';

const folder = testFolder();
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '5', '-crf', '10'];
const FRAMES = 40;

const whole = (name: string, ...more: readonly string[]) =>
  folder.made(name, (path) =>
    ffmpeg('-f', 'lavfi', '-i', numbered(96, 64), '-frames:v', String(FRAMES), ...FAST, ...more, path),
  );

/** A file with its bytes changed. */
async function changed(source: string, name: string, change: (bytes: Buffer) => Buffer): Promise<string> {
  const bytes = await readFile(source);
  return folder.made(name, (path) => writeFile(path, change(bytes)));
}

/** The first half of an mp4 whose index stands in front. */
const cut = async () =>
  changed(await whole('front.mp4', '-movflags', '+faststart'), 'cut.mp4', (bytes) =>
    bytes.subarray(0, Math.floor(bytes.length / 2)),
  );

/** Noise over a stretch in the middle. */
async function scratched(extension: string): Promise<string> {
  const more = extension === 'mp4' ? ['-movflags', '+faststart'] : [];
  return changed(await whole(`whole.${extension}`, ...more), `scratched.${extension}`, (bytes) => {
    const middle = Math.floor(bytes.length / 2);
    for (let i = 0; i < Math.floor(bytes.length / 20); i += 1) bytes[middle + i] = (i * 151 + 43) & 255;
    return bytes;
  });
}

/** 96x64, then 64x48, then 96x64 again, as a broadcast would change. */
const resized = () =>
  folder.made('resized.ts', async (path) => {
    const part = (name: string, size: readonly [number, number], from: number) =>
      folder.made(name, (file) =>
        ffmpeg(
          ...['-f', 'lavfi', '-i', `${numbered(...size)},trim=start_frame=${from}:end_frame=${from + 10}`],
          ...[...FAST, '-muxdelay', '0', '-output_ts_offset', String(from / 25), '-copyts', file],
        ),
      );
    const parts = [await part('a.ts', [96, 64], 0), await part('b.ts', [64, 48], 10), await part('c.ts', [96, 64], 20)];
    await writeFile(path, Buffer.concat(await Promise.all(parts.map((file) => readFile(file)))));
  });

describe('a damaged source', () => {
  it('of which half is missing: all that is there is delivered, with a counted warning', async () => {
    const output = folder.file('cut-out.mp4');
    const { done, warnings } = await upscale({ input: await cut(), output });
    expect(done.damaged).toBeGreaterThan(0);
    expect(warnings).toContainEqual(expect.stringMatching(new RegExp(`damaged in ${done.damaged} places`)));
    const numbers = await numbersIn(output);
    expect(numbers.length).toBeGreaterThan(FRAMES / 3);
    expect(numbers.length).toBeLessThan(FRAMES);
    // The last frame may be cut through; those before it are whole.
    expect(numbers.slice(0, -1)).toEqual(counting(numbers.length - 1));
  });

  it('that breaks off between two frames is told, and an error with strict', async () => {
    // Of frames as large as these ffmpeg says nothing at all.
    const noise = 'testsrc2=s=320x240:r=10,noise=alls=80:allf=t:all_seed=7';
    const source = await folder.made('thirty.mp4', (path) =>
      ffmpeg('-f', 'lavfi', '-i', noise, '-frames:v', '30', ...FAST, '-movflags', '+faststart', path),
    );
    // Its pictures lie one behind the other.
    const bytes = (await packets(source, 0)).slice(0, 10).reduce((sum, { size }) => sum + size, 0);
    const broken = await changed(source, 'broken-off.mp4', (all) => all.subarray(0, all.indexOf('mdat') + 4 + bytes));
    const options = { model: 'tinysr-nano-x2', overwrite: true } as const;
    const output = folder.file('broken-off-out.mp4');
    const { done, warnings } = await upscale({ input: broken, output, ...options });
    expect(warnings).toEqual(['the source is not whole: it ends after 10 of 30 frames']);
    expect([done.damaged, done.frames]).toEqual([1, 10]);
    const error = await failure({ input: broken, output: folder.file('never.mp4'), strict: true, ...options });
    expect([error.code, error.message]).toEqual(['TSR_INPUT_DAMAGED', expect.stringContaining('10 of 30 frames')]);
    // An edit list that hides most of it, and a last frame that stays, are no damage.
    const edited = folder.file('edited.mp4');
    await ffmpeg('-ss', '1.1', '-i', source, '-t', '0.4', '-c', 'copy', edited);
    const held = folder.file('held.mp4');
    const staying = ['-bsf:v', "setts=duration='if(eq(N,9),10/TB,DURATION)'"];
    await ffmpeg('-i', source, '-frames:v', '10', '-c', 'copy', ...staying, held);
    for (const input of [edited, held]) {
      expect((await upscale({ input, output, ...options })).warnings).toEqual([]);
    }
  });

  it.each(['mp4', 'mkv', 'ts'])(
    'with noise in the middle of a .%s: what stands before and after is delivered',
    async (extension) => {
      const output = folder.file(`scratched-${extension}.mkv`);
      const { done, warnings } = await upscale({ input: await scratched(extension), output, codec: 'ffv1' });
      expect(done.damaged).toBeGreaterThan(0);
      expect(warnings.join()).toMatch(/damaged in \d+ places/);
      expect(done.frames).toBeGreaterThan(FRAMES / 2);
      expect(done.frames).toBeLessThanOrEqual(FRAMES);
      const first = await numbersIn(output, 'trim=end_frame=10');
      expect(first).toEqual(counting(10));
      const last = await numbersIn(output, `trim=start_frame=${done.frames - 5}`);
      expect(last).toEqual(counting(5, FRAMES - 5));
    },
  );

  it('whose size changes midway is delivered in the first size, every frame of it', async () => {
    const output = folder.file('resized.mp4');
    await upscale({ input: await resized(), output });
    const { width, height } = await videoStream(output);
    expect([width, height]).toEqual([384, 256]);
    expect(await numbersIn(output)).toEqual(counting(30));
  });

  it.each(['cut', 'scratched'])('is an error with strict, and nothing is left (%s)', async (kind) => {
    const target = folder.empty();
    const input = kind === 'cut' ? await cut() : await scratched('ts');
    const told: string[] = [];
    const error = await failure({ input, output: join(target, 'out.mp4'), strict: true }, (event) => {
      if (event.type === 'warning') told.push(event.message);
    });
    expect(error.code).toBe('TSR_INPUT_DAMAGED');
    // Nothing was delivered, so nothing may say so.
    expect(told.join()).not.toContain('was upscaled');
    expect(error.exitCode).toBe(3);
    expect(error.message).toMatch(/damaged in \d+ places/);
    expect(error.hint).toMatch(/--strict/);
    expect(namesIn(target)).toEqual([]);
  });

  /** Sound whose every packet is damaged, beside a whole picture. @param noise packets keep a byte in so many */
  const badSound = (codec: string, noise: number, rate = 25) =>
    folder.made(`${codec}-${noise}-${rate}.mkv`, async (path) => {
      const good = await folder.made(`${codec}-${rate}.mkv`, (file) =>
        ffmpeg(
          ...['-f', 'lavfi', '-i', `color=gray:s=32x32:r=${rate}`, '-f', 'lavfi', '-i', 'sine=d=1', '-t', '1'],
          ...[...FAST, '-c:a', codec, file],
        ),
      );
      await ffmpeg('-i', good, '-map', '0', '-c', 'copy', '-bsf:a', `noise=amount=${noise}`, path);
    });

  it.each([25, 4])('whose sound cannot be decoded: that is said, and the picture is whole (%i fps)', async (rate) => {
    const output = folder.file(`bad-sound-${rate}.mp4`);
    const { done, warnings } = await upscale({ input: await badSound('mp2', 1, rate), output });
    expect(done.frames).toBe(rate);
    expect(done.damaged).toBeGreaterThan(5);
    expect(warnings).toContainEqual(expect.stringContaining(`converted are damaged in ${done.damaged} places`));
    expect(warnings).toContainEqual(expect.stringMatching(/^audio track 1, mp2: nothing of it could be decoded/));
  });

  it('whose sound is damaged here and there keeps the rest, with a counted warning', async () => {
    const output = folder.file('part-sound.webm');
    const { done, warnings } = await upscale({ input: await badSound('ac3', 200), output, preset: '8' });
    expect(done.damaged).toBeGreaterThan(0);
    expect(warnings.join()).toMatch(/converted are damaged in \d+ places/);
    expect(warnings.join()).not.toContain('nothing of it');
    expect(await streamsOf(output, 'audio')).toHaveLength(1);
  });

  it('whose converted sound is damaged is an error with strict, and nothing is left', async () => {
    const target = folder.empty();
    const error = await failure({ input: await badSound('mp2', 1), output: join(target, 'out.mp4'), strict: true });
    expect(error.code).toBe('TSR_INPUT_DAMAGED');
    expect(namesIn(target)).toEqual([]);
  });

  it('a whole source is no error with strict, and nothing is warned of', async () => {
    const output = folder.file('whole-out.mp4');
    const { done, warnings } = await upscale({ input: await whole('strict.mkv'), output, strict: true });
    expect([done.frames, done.damaged, warnings]).toEqual([FRAMES, 0, []]);
  });
});
