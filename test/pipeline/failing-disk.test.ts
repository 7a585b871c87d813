import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFailure } from '#src/shared/damage.js';
import { runCli } from '../support/cli.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';

const folder = testFolder();
const clip = () =>
  folder.made('clip.mkv', (path) =>
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=s=48x32:r=10:d=1', '-f', 'lavfi', '-i', 'sine=d=1'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', path],
    ),
  );

/** An ffmpeg that does its work and says what one says whose disk failed meanwhile; it ends with status 0, as ffmpeg does. */
async function failing(part: 'decoder' | 'encoder', words: string): Promise<NodeJS.ProcessEnv> {
  const name = `${part}-${words.replaceAll(/\W+/g, '-')}`;
  const own = part === 'decoder' ? '*pipe:3*' : '*pipe:0*';
  const script = `#!/bin/sh\nffmpeg "$@"\nstatus=$?\ncase "$*" in ${own}) echo "${words}" >&2;; esac\nexit $status\n`;
  const path = await folder.made(name, (file) => writeFile(file, script, { mode: 0o755 }));
  return { TINYSR_FFMPEG: path };
}

async function outcome(env: NodeJS.ProcessEnv) {
  const out = folder.empty();
  const { code, stderr } = await runCli([await clip(), join(out, 'x.mkv'), '--device', 'cpu'], { env });
  return { code, stderr, left: namesIn(out) };
}

describe('a disk that fails without ffmpeg failing', { timeout: 60_000 }, () => {
  it.each(['decoder', 'encoder'] as const)('under the source, told by the %s, is an error', async (part) => {
    const env = await failing(part, `file:${await clip()}: Input/output error`);
    const { code, stderr, left } = await outcome(env);
    expect(stderr).toContain('TSR_INPUT_UNREADABLE');
    expect(stderr).toMatch(/could not be read to its end \(Input\/output error\).*ddrescue/);
    expect([code, left]).toEqual([3, []]);
  });

  it.each([
    'Error writing trailer of file:x.part: Input/output error',
    'Error closing file file:x.part: Stale file handle',
    'file:x.part: Input/output error',
    '[matroska @ 0x1] Invalid length 0x15180004 > 0x10000000',
  ])('under the output (%s) is an error, and nothing gets its name', async (words) => {
    const { code, stderr, left } = await outcome(await failing('encoder', words));
    expect(stderr).toContain('TSR_OUTPUT_UNWRITABLE');
    expect([code, left]).toEqual([4, []]);
  });

  it('is not seen in what files are called', () => {
    expect(readFailure('file:a: Input/output error', 'file:a')).toBe('Input/output error');
    expect(readFailure('file:a: Input/output error.mkv: No such file or directory', 'file:a')).toBeUndefined();
    expect(readFailure('file:other: Input/output error', 'file:a')).toBeUndefined();
    expect(readFailure('file:a: Invalid data found when processing input', 'file:a')).toBeUndefined();
  });
});
