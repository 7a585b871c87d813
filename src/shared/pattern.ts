import { basename, dirname, join } from 'node:path';

/** Numbers that ffmpeg's image2 can count to. */
const LAST_NUMBER = 2 ** 31 - 1;

/** Names of numbered pictures in a folder, as `frames/%06d.png` says them. */
export interface Pattern {
  /** As the user wrote it. */
  readonly text: string;
  readonly folder: string;
  /** What every name begins and ends with. */
  readonly prefix: string;
  readonly suffix: string;
  /** Least digits of a number, filled up with zeros; 1: as many as it has. */
  readonly digits: number;
}

/**
 * Reads a pattern: one `%d` or `%0<digits>d` in the file's name, `%%` for a percent sign, as ffmpeg's image2 has it. The
 * folder is a folder: nothing in its name is a pattern.
 *
 * @returns undefined for any other path
 */
export function parsePattern(path: string): Pattern | undefined {
  const match = /^((?:[^%]|%%)*)%(?:0([1-9]))?d((?:[^%]|%%)*)$/.exec(basename(path));
  if (!match) return undefined;
  const plain = (text: string) => text.replaceAll('%%', '%');
  const [, prefix = '', digits = '1', suffix = ''] = match;
  return {
    text: path,
    folder: dirname(path),
    prefix: plain(prefix),
    suffix: plain(suffix),
    digits: Number(digits),
  };
}

/** The name of a number. */
export function nameOf({ prefix, digits, suffix }: Pattern, number: number): string {
  return `${prefix}${String(number).padStart(digits, '0')}${suffix}`;
}

/** The path of a number. */
export function pathOf(pattern: Pattern, number: number): string {
  return join(pattern.folder, nameOf(pattern, number));
}

/** The number that a name stands for; undefined for a name that the pattern would not write. */
export function numberOf(pattern: Pattern, name: string): number | undefined {
  const { prefix, suffix } = pattern;
  if (!name.startsWith(prefix) || !name.endsWith(suffix)) return undefined;
  const digits = name.slice(prefix.length, name.length - suffix.length);
  if (!/^\d{1,10}$/.test(digits) || Number(digits) > LAST_NUMBER) return undefined;
  return nameOf(pattern, Number(digits)) === name ? Number(digits) : undefined;
}

/** The pattern as ffmpeg's image2 reads it, in which no other percent sign means anything. */
export function patternPath({ folder, prefix, digits, suffix }: Pattern): string {
  const literal = (text: string) => text.replaceAll('%', '%%');
  const number = digits === 1 ? '%d' : `%0${digits}d`;
  return `${literal(join(folder, '/'))}${literal(prefix)}${number}${literal(suffix)}`;
}
