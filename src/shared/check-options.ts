import { z } from 'zod';
import { type ErrorCode, TinySRError } from './errors.js';

/** A whole number from `least` to `most`, or left out. */
export const whole = (least: number, most: number) => z.int().min(least).max(most).optional();

/** What stops work: whatever acts as an AbortSignal does, as other realms have their own. */
export const abortSignal = z
  .custom<AbortSignal>((value) => isObject(value) && 'aborted' in value && 'addEventListener' in value, {
    message: 'expected an AbortSignal',
  })
  .optional();

/** Whether a value has fields of its own to look at. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a value is, for whoever gave something else than was meant: nothing, a promise that nobody awaited. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Promise) return 'a promise (await it)';
  return `a value of type ${typeof value}`;
}

/**
 * Refuses what is no object, as when a call was given nothing.
 *
 * @param what name of the value, for the message
 * @param hint what to give
 * @throws TinySRError `TSR_USAGE`, or another code
 */
export function requireObject(value: unknown, what: string, hint: string, code: ErrorCode = 'TSR_USAGE'): void {
  if (isObject(value)) return;
  throw new TinySRError(code, `${what}: expected an object, received ${kindOf(value)}`, { hint });
}

/**
 * Refuses what is no path, as when a function is handed to `map` or given a URL object.
 *
 * @param hint what to give
 * @throws TinySRError `TSR_USAGE`
 */
export function requirePath(value: unknown, hint: string): void {
  if (typeof value === 'string' && value !== '') return;
  const received =
    value === '' ? 'an empty one' : value instanceof URL ? 'a URL (give fileURLToPath(url))' : kindOf(value);
  throw new TinySRError('TSR_USAGE', `the path: expected a string, received ${received}`, { hint });
}

/**
 * Refuses what is no AbortSignal: `map` passes a number in its place.
 *
 * @param example a call that will do, to be put into `map`
 * @throws TinySRError `TSR_USAGE`
 */
export function requireSignal(value: unknown, example: string): void {
  if (abortSignal.safeParse(value).success) return;
  throw new TinySRError('TSR_USAGE', `the signal: expected an AbortSignal, received ${kindOf(value)}`, {
    hint: `In map, pass the first argument only: ${example}.`,
  });
}

/**
 * @param example a call with options that will do
 * @throws TinySRError `TSR_USAGE` that names the first option out of place and says what it may be
 */
export function checkOptions(schema: z.ZodType, options: unknown, example: string): void {
  requireObject(options, 'the options', `For example: ${example}.`);
  const { error } = schema.safeParse(options);
  const [issue] = error?.issues ?? [];
  if (!issue) return;
  const what = issue.path.length ? `option ${issue.path.join('.')}` : 'the options';
  throw new TinySRError('TSR_USAGE', `${what}: ${issue.message}`, {
    hint: 'docs/library.md says where the options and their ranges are.',
    cause: error,
  });
}
