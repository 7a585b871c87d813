import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { TinySRError } from '../../shared/errors.js';
import type { MediaInfo, PictureSequence } from '../../shared/media.js';
import { nameOf, numberOf, type Pattern } from '../../shared/pattern.js';
import { rationalValue } from '../../shared/rational.js';
import { PICTURE_EXTENSIONS } from './kinds.js';

/** Numbers that are named where several are missing. */
const NAMED_GAPS = 3;

/** Pictures of a sequence that a start leaves out; 0 of any other source. */
export function picturesBefore({ pictures, video }: MediaInfo, start: number): number {
  if (!pictures?.sequence || !video.frameRate) return 0;
  return Math.ceil(start * rationalValue(video.frameRate) - 1e-6);
}

/** A pattern that the numbered pictures of a folder have, for hints; undefined where there are none. */
export function guessPattern(folder: string, names: readonly string[]): string | undefined {
  const parts = names
    .filter((name) => PICTURE_EXTENSIONS.has(extname(name).toLowerCase()))
    .flatMap((name) => {
      const [, prefix, digits, suffix] = /^(.*?)(\d{1,9})(\.\w+)$/.exec(name) ?? [];
      return prefix !== undefined && digits && suffix ? [{ prefix, length: digits.length, suffix }] : [];
    });
  const [first] = parts;
  if (!first) return undefined;
  const row = parts.filter(({ prefix, suffix }) => prefix === first.prefix && suffix === first.suffix);
  const even = row.every(({ length }) => length === first.length);
  return join(folder, `${first.prefix.replaceAll('%', '%%')}${even ? `%0${first.length}d` : '%d'}${first.suffix}`);
}

/** As {@link guessPattern}, of a folder that may not be readable. */
export async function patternIn(folder: string): Promise<string | undefined> {
  return guessPattern(folder, await readdir(folder).catch(() => []));
}

function missing(pattern: Pattern, numbers: readonly number[]): TinySRError | undefined {
  const gaps: string[] = [];
  let count = 0;
  for (const [index, number] of numbers.entries()) {
    const before = numbers[index - 1] ?? number - 1;
    const lacking = number - before - 1;
    if (lacking === 0) continue;
    count += lacking;
    const [from, to] = [nameOf(pattern, before + 1), nameOf(pattern, number - 1)];
    gaps.push(lacking === 1 ? from : `${from} to ${to}`);
  }
  if (!gaps.length) return undefined;
  const more = gaps.length > NAMED_GAPS ? ' …' : '';
  const what = count === 1 ? 'a picture is missing' : `${count} pictures are missing`;
  return new TinySRError(
    'TSR_INPUT_SEQUENCE',
    `${pattern.text}: ${what} between the first and the last: ${gaps.slice(0, NAMED_GAPS).join(', ')}${more}`,
    { hint: 'Put what is missing into the folder, or move what comes behind the gap to another one.' },
  );
}

/**
 * Finds the numbered pictures of a pattern: the lowest number is the first.
 *
 * @throws TinySRError `TSR_INPUT_NOT_FOUND` where there are none, `TSR_INPUT_SEQUENCE` for a gap
 */
export async function findSequence(pattern: Pattern): Promise<PictureSequence> {
  const entries = await readdir(pattern.folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EACCES') {
      throw new TinySRError('TSR_INPUT_UNREADABLE', `${pattern.folder}: no permission to read the folder`, { cause });
    }
    throw new TinySRError('TSR_INPUT_NOT_FOUND', `${pattern.text}: its folder does not exist`, {
      hint: 'The number (%d, %06d) stands in the name of the file, not in that of a folder.',
      cause,
    });
  });
  // ffmpeg would wait for ever at a pipe by that name.
  const files = entries.filter((entry: Dirent) => entry.isFile() || entry.isSymbolicLink()).map(({ name }) => name);
  const numbers = files.flatMap((name) => numberOf(pattern, name) ?? []).sort((a, b) => a - b);
  const first = numbers[0];
  if (first === undefined) {
    const guess = guessPattern(pattern.folder, files);
    throw new TinySRError('TSR_INPUT_NOT_FOUND', `${pattern.text}: no picture has such a name`, {
      hint: guess ? `Those there have names as ${guess}.` : 'Write %06d for numbers of six digits, %d for bare ones.',
    });
  }
  const gap = missing(pattern, numbers);
  if (gap) throw gap;
  return { pattern, first, count: numbers.length };
}
