import { inspect } from 'node:util';
import { type TinySRError, toTinySRError } from '../shared/errors.js';
import { printable } from './print.js';

/** How errors are told. */
export interface ErrorStyle {
  readonly json: boolean;
  readonly verbose: boolean;
  /** Where JSON lines go. */
  readonly jsonStream: NodeJS.WritableStream;
}

/**
 * Tells an error in one line on stderr: code, what and where, what to do. Stack and cause only when asked for.
 *
 * @returns the error with its code
 */
export function reportError(thrown: unknown, { json, verbose, jsonStream }: ErrorStyle): TinySRError {
  const error = toTinySRError(thrown);
  const { code, message, hint, exitCode } = error;
  if (json) jsonStream.write(`${JSON.stringify({ type: 'error', code, message, hint: hint ?? null, exitCode })}\n`);
  process.stderr.write(`tinysr-video: ${code}: ${printable(message)}${hint ? `. ${printable(hint)}` : ''}\n`);
  if (verbose) process.stderr.write(`${inspect(error)}\n`);
  return error;
}
