import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, TinySRError, toTinySRError } from '#src/shared/errors.js';

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url));
const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const source = files
  .filter((name) => !name.endsWith('errors.ts'))
  .map((name) => readFileSync(join(SOURCE, name), 'utf8'));

describe('the registry of errors', () => {
  it.each(Object.entries(ERROR_CODES))(
    '%s has an exit status a shell can see and one line of meaning',
    (code, definition) => {
      expect(code).toMatch(/^TSR_[A-Z0-9_]+$/);
      expect(definition.exit).toBeGreaterThanOrEqual(1);
      expect(definition.exit === 130 || definition.exit <= 125).toBe(true);
      expect(definition.meaning).toMatch(/^(ffmpeg|[A-Z])[^\n]+\.$/);
    },
  );

  it('knows every code that the source names', () => {
    const named = new Set(source.flatMap((text) => text.match(/\bTSR_[A-Z0-9_]+\b/g) ?? []));
    const unknown = [...named].filter((code) => !(code in ERROR_CODES) && !code.endsWith('_'));
    expect(unknown).toEqual([]);
    expect(named.size).toBeGreaterThan(20);
  });

  it('gives an error its exit status, hint and cause', () => {
    const cause = new Error('why');
    const error = new TinySRError('TSR_INPUT_EMPTY', 'a.mp4: the file is empty', { hint: 'Copy it again.', cause });
    expect(error).toMatchObject({
      name: 'TinySRError',
      code: 'TSR_INPUT_EMPTY',
      exitCode: 3,
      hint: 'Copy it again.',
      cause,
    });
    expect(error).toBeInstanceOf(Error);
    const bare = new TinySRError('TSR_USAGE', 'x');
    expect([bare.hint, bare.cause]).toEqual([undefined, undefined]);
  });

  it('wraps what is none of its own, and leaves alone what is', () => {
    const own = new TinySRError('TSR_USAGE', 'x');
    expect(toTinySRError(own)).toBe(own);
    const cause = new RangeError('deep');
    expect(toTinySRError(cause)).toMatchObject({ code: 'TSR_INTERNAL', message: 'deep', cause, exitCode: 70 });
    expect(toTinySRError('text', 'TSR_DECODE_FAILED')).toMatchObject({ code: 'TSR_DECODE_FAILED', message: 'text' });
  });
});
