import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { CLI, runCli, startCli } from '../support/cli.js';
import { ffmpeg, frameTimes } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { processesNaming } from '../support/processes.js';

const folder = testFolder();
/** Far more than pipes hold. */
const long = () =>
  folder.made('long.mp4', (path) =>
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25:d=60', '-c:v', 'libx264', '-preset', 'ultrafast', path),
  );

/** Runs a line of bash in which `$1` is node, `$2` the command, `$3` a video and `$4` a folder. */
async function shell(line: string, target: string, env: NodeJS.ProcessEnv = {}) {
  const args = ['-c', `set -o pipefail; ${line}`, 'bash', process.execPath, CLI, await long(), target];
  const child = spawn('bash', args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => {
    stdout += text;
  });
  child.stderr.on('data', (text: Buffer) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, stdout, stderr: stderr.trim() };
}

describe('a reader that goes', () => {
  it('of the lines on stderr ends no work', async () => {
    const target = folder.empty();
    // The warning, the start and the end are told at different times: the later ones to nobody.
    const line = '"$1" "$2" -v "$3" "$4/out.mp4" --frames 5 2>&1 >/dev/null | head -c 10';
    const { code, stdout } = await shell(line, target);
    expect([code, stdout.length]).toEqual([0, 10]);
    expect(namesIn(target)).toEqual(['out.mp4']);
    expect(await frameTimes(join(target, 'out.mp4'))).toHaveLength(5);
  });

  it('of events on stdout ends no work', async () => {
    const target = folder.empty();
    const { code } = await shell('"$1" "$2" --json "$3" "$4/out.mp4" --frames 5 | head -c 10', target);
    expect([code, namesIn(target)]).toEqual([0, ['out.mp4']]);
  });

  it('of the video on stdout ends the work in one line', async () => {
    const target = folder.empty();
    const line = 'cp "$3" "$4/in.mp4"; "$1" "$2" -q "$4/in.mp4" - | head -c 1000 | wc -c';
    const { code, stdout, stderr } = await shell(line, target);
    expect([code, stdout.trim()]).toEqual([4, '1000']);
    expect(stderr).toMatch(/^tinysr-video: TSR_OUTPUT_UNWRITABLE: -: [^\n]*pipe[^\n]*$/);
    expect(processesNaming(target)).toEqual([]);
  });

  it('is not there from the beginning: stdin, stdout and stderr closed', async () => {
    const target = folder.empty();
    const { code } = await shell('"$1" "$2" "$3" "$4/out.mp4" --frames 5 <&- >&- 2>&-', target);
    expect([code, namesIn(target)]).toEqual([0, ['out.mp4']]);
  });

  it('closed stdin as the video is an empty video', async () => {
    const { code, stderr } = await shell('"$1" "$2" - "$4/out.mp4" <&-', folder.empty());
    expect([code, stderr]).toEqual([3, expect.stringMatching(/^tinysr-video: TSR_INPUT_EMPTY: [^\n]*$/)]);
  });

  it('full disk behind the events is told, and the video is written all the same', async () => {
    const target = folder.empty();
    const { code, stderr } = await shell('"$1" "$2" --json "$3" "$4/out.mp4" --frames 5 >/dev/full', target);
    expect([code, stderr]).toEqual([4, expect.stringMatching(/^tinysr-video: TSR_OUTPUT_UNWRITABLE: stdout: [^\n]*$/)]);
    expect(namesIn(target)).toEqual(['out.mp4']);
  });
});

describe('an end at once', () => {
  /** Both ffmpegs and the command itself have gone. */
  const allGone = (target: string) =>
    vi.waitFor(() => expect(processesNaming(target)).toEqual([]), { timeout: 60_000, interval: 50 });

  /** Starts a run that is at work: its temporary is there. */
  async function started(target: string, input: string, stdin?: Buffer) {
    const env = { TMPDIR: join(target, '..') };
    const run = startCli([input, join(target, 'x.mp4')], { env, ...(stdin && { input: stdin }) });
    await run.stderrSays('tinysr-nano on cpu');
    while (namesIn(target).length === 0) await sleep(20);
    return run;
  }

  it('by a second Ctrl-C leaves no file and no process', async () => {
    const target = folder.empty();
    const run = await started(target, await long());
    // Both before the event loop turns: the clean end has no chance to come first.
    run.child.kill('SIGINT');
    run.child.kill('SIGTERM');
    run.child.kill('SIGINT');
    const { code, signal } = await run.result;
    expect(code === 130 || signal === 'SIGINT' || signal === 'SIGTERM').toBe(true);
    expect(namesIn(target)).toEqual([]);
    await allGone(target);
  });

  it('by SIGKILL leaves no process, and what it left on disk goes with the next run', async () => {
    const [place, video] = [folder.empty(), readFileSync(await long())];
    const target = join(place, 'out');
    mkdirSync(target);
    const run = await started(target, '-', video);
    run.child.kill('SIGKILL');
    await run.result;
    await allGone(place);
    expect(namesIn(target)).toEqual([expect.stringMatching(/^\.tinysr-.*\.part$/)]);
    expect(namesIn(place)).toEqual(['out', expect.stringMatching(/^tinysr-/)]);
    const next = await runCli(['-q', '-', join(target, 'x.mp4'), '--frames', '2'], {
      env: { TMPDIR: place },
      input: video,
    });
    expect(next).toMatchObject({ code: 0, stderr: '' });
    expect([namesIn(target), namesIn(place)]).toEqual([['x.mp4'], ['out']]);
  });
});
