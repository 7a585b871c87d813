import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** A program that ended with another status than 0. */
export class ProgramError extends Error {
  /**
   * @param {string} program
   * @param {number} status exit status; 128 + signal number when a signal ended it
   * @param {string} output the last part of what it printed
   */
  constructor(program, status, output) {
    super(`${program} ended with ${status}`);
    this.status = status;
    this.output = output;
  }
}

/**
 * Runs a program to its end with everything it prints collected (the last 64 kB), never through a shell.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, signal?: AbortSignal, onOutput?: (text: string) => void }} [options]
 * @returns {Promise<string>} what it printed to stdout and stderr
 * @throws {ProgramError} on another status than 0; the error of `spawn` (code `ENOENT`) when it cannot start
 */
export async function run(program, args, { cwd, env = process.env, timeoutMs, signal, onOutput } = {}) {
  const child = spawn(program, args, { cwd, env, timeout: timeoutMs, signal, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-65_536);
      onOutput?.(text);
    });
  }
  const status = await ended(child);
  if (status !== 0) throw new ProgramError(program, status, output);
  return output;
}

/**
 * Runs a program on this terminal. Ctrl-C reaches it by itself; this process then waits for its end.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>} its exit status
 */
export async function show(program, args, { cwd, env = process.env } = {}) {
  const stay = () => {};
  process.on('SIGINT', stay);
  try {
    return await ended(spawn(program, args, { cwd, env, stdio: 'inherit' }));
  } finally {
    process.off('SIGINT', stay);
  }
}

function ended(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
