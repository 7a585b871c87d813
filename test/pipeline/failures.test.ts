import { spawnSync } from 'node:child_process';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { OutputFile } from '#src/encode/output-file.js';
import { type Progress, upscaleVideo } from '#src/index.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';
import { children, decoder, encoder } from '../support/processes.js';
import { failure, upscale } from '../support/upscale.js';

const folder = testFolder();
const FAST = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18'];

/** Far more frames than pipes and pool hold, so that every process is at work when the first event comes. */
const long = () =>
  folder.made('long.mp4', (path) =>
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-frames:v', '400', ...FAST, path),
  );
const short = () =>
  folder.made('short.mp4', (path) => ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', '6', ...FAST, path));

let target = '';
const temporary = process.env.TMPDIR;
beforeEach(() => {
  target = folder.empty();
  process.env.TMPDIR = folder.empty();
});
afterAll(() => {
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
});

/** Nothing of a run is left: no output, no temporary, no process. */
function expectNothingLeft(): void {
  expect(namesIn(target)).toEqual([]);
  expect(namesIn(process.env.TMPDIR ?? '')).toEqual([]);
  expect(children()).toEqual([]);
}

/** Does something at the first event of a type. */
function at(type: Progress['type'], act: () => void): (event: Progress) => void {
  let done = false;
  return (event) => {
    if (done || event.type !== type) return;
    done = true;
    act();
  };
}

describe('a process that dies midway', () => {
  it.each(['start', 'progress'] as const)('the decoder, killed at the first %s', async (type) => {
    const kill = at(type, () => process.kill(decoder().pid, 'SIGKILL'));
    const error = await failure({ input: await long(), output: join(target, 'out.mp4') }, kill);
    expect(error.code).toBe('TSR_DECODE_FAILED');
    expect(error.message).toContain('SIGKILL');
    expect(error.exitCode).toBe(7);
    expectNothingLeft();
  });

  it.each(['start', 'progress'] as const)('the encoder, killed at the first %s', async (type) => {
    const kill = at(type, () => process.kill(encoder().pid, 'SIGKILL'));
    const error = await failure({ input: await long(), output: join(target, 'out.mp4') }, kill);
    expect(error.code).toBe('TSR_ENCODE_FAILED');
    expect(error.message).toContain('SIGKILL');
    expect(error.exitCode).toBe(7);
    expectNothingLeft();
  });

  it('the encoder, asked to end: a file without its last frames is no result', async () => {
    const kill = at('progress', () => process.kill(encoder().pid, 'SIGTERM'));
    const error = await failure({ input: await long(), output: join(target, 'out.mp4') }, kill);
    expect(error.code).toBe('TSR_ENCODE_FAILED');
    expectNothingLeft();
  });

  it('the decoder, asked to end: frames that are missing are no end of the file', async () => {
    const kill = at('progress', () => process.kill(decoder().pid, 'SIGTERM'));
    const error = await failure({ input: await long(), output: join(target, 'out.mp4') }, kill);
    expect(error.code).toBe('TSR_DECODE_FAILED');
    expectNothingLeft();
  });

  it('the inference thread', async () => {
    let worker: Worker | undefined;
    const postMessage = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
      worker = this;
      original.apply(this, args);
    });
    // No message that the thread knows: it dies of it.
    const kill = at('progress', () => original.call(worker as Worker, null));
    const error = await failure({ input: await long(), output: join(target, 'out.mp4') }, kill);
    postMessage.mockRestore();
    expect(error.code).toBe('TSR_INFER_FAILED');
    expect(error.exitCode).toBe(7);
    expectNothingLeft();
  });
  const original = Worker.prototype.postMessage;
});

describe('stopping', () => {
  it.each(['start', 'progress'] as const)('by a signal at the first %s', async (type) => {
    const abort = new AbortController();
    const options = { input: await long(), output: join(target, 'out.mp4'), signal: abort.signal };
    const error = await failure(
      options,
      at(type, () => abort.abort()),
    );
    expect([error.code, error.exitCode]).toEqual(['TSR_INTERRUPTED', 130]);
    expectNothingLeft();
  });

  it.each([0, 60, 250])('by a signal %i ms after the beginning, in whatever step that is', async (ms) => {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ms);
    const options = { input: await long(), output: join(target, 'out.mp4'), signal: abort.signal };
    const error = await failure(options);
    clearTimeout(timer);
    expect(error.code).toBe('TSR_INTERRUPTED');
    expectNothingLeft();
  });

  it('by a signal that came before', async () => {
    const options = { input: await long(), output: join(target, 'out.mp4'), signal: AbortSignal.abort() };
    expect((await failure(options)).code).toBe('TSR_INTERRUPTED');
    expectNothingLeft();
  });

  it('by unsubscribing: no event comes any more, and nothing is left', async () => {
    let told = 0;
    let ended = false;
    const input = await long();
    await new Promise<void>((resolve, reject) => {
      const subscription = upscaleVideo({ input, output: join(target, 'out.mp4'), device: 'cpu' }).subscribe({
        next({ type }) {
          told += 1;
          if (type !== 'progress') return;
          subscription.unsubscribe();
          resolve();
        },
        error: reject,
        complete: () => {
          ended = true;
        },
      });
    });
    const toldThen = told;
    await vi.waitFor(expectNothingLeft, { timeout: 60_000, interval: 50 });
    expect([told, ended]).toEqual([toldThen, false]);
  });

  it('one of two runs leaves the other alone', async () => {
    const abort = new AbortController();
    const stopped = failure(
      { input: await long(), output: join(target, 'a.mp4'), signal: abort.signal },
      at('start', () => abort.abort()),
    );
    const kept = upscale({ input: await short(), output: join(target, 'b.mp4') });
    expect((await stopped).code).toBe('TSR_INTERRUPTED');
    await kept;
    expect(namesIn(target)).toEqual(['b.mp4']);
    expect(await numbersIn(join(target, 'b.mp4'))).toEqual(counting(6));
    expect(children()).toEqual([]);
  });
});

describe('a full disk', () => {
  /** Stands the device that is always full where the next runs write. */
  async function fill(output: string): Promise<void> {
    const probe = await OutputFile.prepare(output, false);
    await probe.discard();
    const [, prefix = '', serial = ''] = /^(.*-)(\d+)\.part$/.exec(probe.temporary) ?? [];
    symlinkSync('/dev/full', `${prefix}${Number(serial) + 1}.part`);
  }

  it.each(['mp4', 'mkv', 'ts', 'webm'])('ends a run to .%s, and nothing is left', async (extension) => {
    const output = join(target, `out.${extension}`);
    await fill(output);
    const preset = extension === 'webm' ? '8' : 'ultrafast';
    const error = await failure({ input: await long(), output, preset, frames: 40 });
    expect(error.code).toBe('TSR_OUTPUT_DISK_FULL');
    expect(error.exitCode).toBe(4);
    expect(error.message).toContain(output);
    expect(error.hint).toMatch(/space|disk/);
    expectNothingLeft();
  });

  it('and a limit on the size of files end a run the same clean way', async () => {
    // 512 blocks of 1024 bytes: enough for the runtime's own files, not for the video.
    const script = `import { upscaleVideo } from '${new URL('../../dist/index.js', import.meta.url)}';
      upscaleVideo({ input: process.argv[2], output: process.argv[3], device: 'cpu' })
        .subscribe({ error: (error) => console.log(error.code) });`;
    const file = folder.file('limited.mjs');
    writeFileSync(file, script);
    const args = ['-c', 'ulimit -f 512; exec "$@"', 'bash', process.execPath, file];
    const output = join(target, 'limited.mkv');
    const { stdout, stderr } = spawnSync('bash', [...args, await long(), output], { encoding: 'utf8' });
    expect(`${stdout}${stderr}`.trim()).toBe('TSR_OUTPUT_DISK_FULL');
    expectNothingLeft();
  });
});

describe('temporaries', () => {
  const host = hostname()
    .replaceAll(/[^\w-]/g, '_')
    .slice(0, 32);

  /** A process that has ended for sure. */
  const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid;

  /** What a run by another process for a target would be called. */
  async function temporaryOf(output: string, pid: number): Promise<string> {
    const file = await OutputFile.prepare(output, true);
    await file.discard();
    return file.temporary.replace(/-\d+-\d+\.part$/, `-${pid}-1.part`);
  }

  it('of dead runs are removed; those of live ones, of other targets and of other files stay', async () => {
    const output = join(target, 'out.mp4');
    const stale = await temporaryOf(output, deadPid());
    const live = await temporaryOf(output, process.ppid);
    const other = await temporaryOf(join(target, 'other.mp4'), deadPid());
    const foreign = join(target, '.tinysr-notes.part');
    for (const path of [stale, live, other, foreign]) writeFileSync(path, 'x');
    expect(stale).toContain(host);

    await upscale({ input: await short(), output });

    expect(existsSync(stale)).toBe(false);
    for (const path of [live, other, foreign, output]) expect(existsSync(path), path).toBe(true);
  });

  it('stand beside the target while it is written, and the target does not exist yet', async () => {
    const output = join(target, 'out.mp4');
    const seen = new Set<string>();
    const timer = setInterval(() => {
      for (const name of namesIn(target)) seen.add(name);
    }, 5);
    await upscale({ input: await long(), output, frames: 200 }, (event) => {
      if (event.type === 'progress' && event.frames < 200) expect(existsSync(output)).toBe(false);
    });
    clearInterval(timer);
    expect([...seen]).toContainEqual(expect.stringMatching(/^\.tinysr-.*\.part$/));
    expect(namesIn(target)).toEqual(['out.mp4']);
  });
});

describe('an existing target', () => {
  it('is kept without overwrite, and replaced with it', async () => {
    const output = join(target, 'out.mp4');
    writeFileSync(output, 'precious');
    const error = await failure({ input: await short(), output });
    expect(error.code).toBe('TSR_OUTPUT_EXISTS');
    expect(error.hint).toMatch(/--overwrite/);
    expect(await folder.read(`${target.slice(folder.path.length + 1)}/out.mp4`)).toBe('precious');
    await upscale({ input: await short(), output, overwrite: true });
    expect(await numbersIn(output)).toEqual(counting(6));
  });

  it('that a failing run would have replaced is still there', async () => {
    const output = join(target, 'out.mp4');
    writeFileSync(output, 'precious');
    const kill = at('start', () => process.kill(encoder().pid, 'SIGKILL'));
    await failure({ input: await long(), output, overwrite: true }, kill);
    expect(await folder.read(`${target.slice(folder.path.length + 1)}/out.mp4`)).toBe('precious');
  });

  it('that appears meanwhile is not replaced without overwrite', async () => {
    const output = join(target, 'out.mp4');
    const error = await failure(
      { input: await short(), output },
      at('start', () => writeFileSync(output, 'precious')),
    );
    expect(error.code).toBe('TSR_OUTPUT_EXISTS');
    expect(namesIn(target)).toEqual(['out.mp4']);
    expect(await folder.read(`${target.slice(folder.path.length + 1)}/out.mp4`)).toBe('precious');
  });
});
