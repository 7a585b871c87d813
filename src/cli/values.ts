import { InvalidArgumentError } from 'commander';
import { parseFrameRate } from '../shared/frame-rate.js';

/** Reads a whole number within a range. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`a whole number from ${min} to ${max} is needed.`);
  };
}

/** Reads a number within a range. */
export function decimal(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`a number from ${min} to ${max} is needed.`);
  };
}

/** Reads a time in seconds: `90`, `1:30`, `01:02:03.5`. */
export function seconds(text: string): number {
  const match = /^(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+)?)$/.exec(text);
  if (!match) throw new InvalidArgumentError('a time such as 90, 1:30 or 01:02:03.5 is needed.');
  return Number(match[1] ?? 0) * 3600 + Number(match[2] ?? 0) * 60 + Number(match[3]);
}

/** Collects the values of an option that may be repeated. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** Reads a frame rate, kept as it is written. */
export function frameRate(text: string): string {
  if (parseFrameRate(text)) return text;
  throw new InvalidArgumentError('a frame rate such as 25, 23.976 or 24000/1001 is needed.');
}
