import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { spool } from '#src/pipeline/spool.js';
import { runCli } from '../support/cli.js';
import { ffmpeg, frameTimes, probeFile, streamsOf, tickOf, videoStream } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';
import { errorOf } from '../support/upscale.js';

const folder = testFolder();

/** Index at the end: it cannot be read from a pipe as it is. */
const clip = () =>
  folder.made('clip.mp4', (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', numbered(64, 48), '-f', 'lavfi', '-i', 'sine=duration=0.4', '-frames:v', '10'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-crf', '18', path],
    ),
  );

/** Runs in a process of its own whose stdin and stdout are the video's. */
async function piped(options: object, from: string | undefined, to: string): Promise<string> {
  const script = folder.file('piped.mjs');
  await writeFile(
    script,
    `import { upscaleVideo } from '${new URL('../../dist/index.js', import.meta.url)}';
     upscaleVideo({ device: 'cpu', threads: 1, ...JSON.parse(process.argv[2]) })
       .subscribe({ error: (error) => { console.error(error.code); process.exitCode = error.exitCode; } });`,
  );
  const scratch = folder.empty();
  const env = { ...process.env, TMPDIR: scratch };
  const child = spawn(process.execPath, [script, JSON.stringify(options)], { env });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const source = from === undefined ? Readable.from([]) : createReadStream(from);
  await Promise.all([
    pipeline(source, child.stdin),
    pipeline(child.stdout, createWriteStream(to)),
    new Promise((resolve) => child.once('close', resolve)),
  ]);
  expect(namesIn(scratch)).toEqual([]);
  return Buffer.concat(errors).toString().trim();
}

async function expectWhole(output: string): Promise<void> {
  expect(await numbersIn(output)).toEqual(counting(10));
  const [before, after] = [await frameTimes(await clip()), await frameTimes(output)];
  const tick = Math.max(await tickOf(await clip()), await tickOf(output));
  for (const [index, time] of after.entries()) {
    expect(Math.abs(time - (before[index] ?? Number.NaN))).toBeLessThanOrEqual(tick + 2e-6);
  }
  const [sound] = await streamsOf(output, 'audio');
  // An aac encoder starts 1024 samples early, which only some containers say.
  expect(Math.abs(Number(sound?.start_time) - Number((await videoStream(output)).start_time))).toBeLessThan(0.03);
}

describe('standard input and output', () => {
  it('a video from stdin is spooled, and upscaled with its sound', async () => {
    const output = folder.file('from-stdin.mp4');
    expect(await piped({ input: '-', output }, await clip(), folder.file('nothing'))).toBe('');
    await expectWhole(output);
  });

  it.each([
    ['matroska', 'matroska,webm'],
    ['mp4', 'mov,mp4,m4a,3gp,3g2,mj2'],
  ])('%s goes to stdout, whole and nothing else', async (format, name) => {
    const output = folder.file(`stdout.${format}`);
    expect(await piped({ input: await clip(), output: '-', format }, undefined, output)).toBe('');
    expect((await probeFile(output)).format.format_name).toBe(name);
    await expectWhole(output);
    // A stream of fragments: the index stands in front and nothing was sought back for.
    if (format === 'mp4') expect((await readFile(output)).indexOf('moof')).toBeGreaterThan(0);
  });

  it('matroska is what stdout gets when nothing is said', async () => {
    const output = folder.file('stdout-default');
    expect(await piped({ input: '-', output: '-' }, await clip(), output)).toBe('');
    expect((await probeFile(output)).format.format_name).toBe('matroska,webm');
    expect((await videoStream(output)).codec_name).toBe('h264');
  });

  it('an stdin without a byte is an error', async () => {
    expect(await piped({ input: '-', output: '-' }, undefined, folder.file('empty'))).toBe('TSR_INPUT_EMPTY');
  });
});

describe('the spool', () => {
  it.each([
    ['nonsense', [], 'TSR_INPUT_INVALID'],
    ['nonsense', ['--preview', '0'], 'TSR_INPUT_INVALID'],
    ['sound', [], 'TSR_INPUT_NO_VIDEO'],
  ])('is called stdin in what is said of %s (%j)', async (kind, args, code) => {
    const sound = await folder.made('sound.wav', (path) => ffmpeg('-f', 'lavfi', '-i', 'sine=duration=0.1', path));
    const movie = await folder.made('sound.mp4', (path) => ffmpeg('-i', sound, path));
    const input = kind === 'sound' ? await readFile(movie) : Buffer.from('no video at all\n');
    const output = folder.file(args.length ? 'x.png' : 'x.mp4');
    const { stderr } = await runCli(['-', output, '-q', ...args], { input });
    expect(stderr).toMatch(new RegExp(`^tinysr-video: ${code}: stdin: [^\n]*\n$`));
  });

  it('keeps what comes, byte by byte', async () => {
    const place = folder.empty();
    const path = await spool(Readable.from([Buffer.from('ab'), Buffer.from('cd')]), place);
    expect(await readFile(path, 'latin1')).toBe('abcd');
  });

  it('stops at a signal', async () => {
    const place = folder.file('stopped');
    mkdirSync(place);
    const abort = new AbortController();
    const endless = new Readable({ read: () => undefined });
    const spooling = errorOf(spool(endless, place, abort.signal));
    abort.abort();
    expect((await spooling).code).toBe('TSR_INTERRUPTED');
    expect(endless.destroyed).toBe(true);
  });
});
