import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { asLastResort } from './last-resort.js';
import { log } from './log.js';

/** How a child process ended. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Last lines of stderr. */
  readonly stderr: string;
}

/** A running child whose end and stderr are collected. */
export interface RunningChild {
  readonly process: ChildProcess;
  /** Resolves when the process is gone and its streams are closed; rejects only when it could not start. */
  readonly exit: Promise<ChildExit>;
  /** What stderr holds so far (its tail). */
  stderr(): string;
  /** Ends the process at once and waits for it. Idempotent. */
  kill(): Promise<void>;
}

const STDERR_TAIL = 16_384;

/** Starts a program with an argument array, never through a shell; stderr must be piped. */
export function startChild(program: string, args: readonly string[], stdio: StdioOptions): RunningChild {
  // A process group of its own: Ctrl-C in a terminal must reach this process only, which then ends its children.
  const child = spawn(program, args, { stdio, windowsHide: true, detached: process.platform !== 'win32' });
  log.debug({ program, args, pid: child.pid }, 'started');
  const ended = asLastResort(() => child.kill('SIGKILL'));
  let tail = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-STDERR_TAIL);
  });
  const exit = new Promise<ChildExit>((resolve, reject) => {
    child.once('error', (error) => {
      ended();
      reject(error);
    });
    child.once('close', (code, signal) => {
      ended();
      log.debug({ program, pid: child.pid, code, signal, stderr: tail }, 'ended');
      resolve({ code, signal, stderr: tail });
    });
  });
  // Callers await `exit` late; a start failure before that must not count as unhandled.
  exit.catch(() => undefined);
  return {
    process: child,
    exit,
    stderr: () => tail,
    async kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      for (const stream of child.stdio) stream?.destroy();
      await exit.catch(() => undefined);
    },
  };
}

/** Runs a program to its end and returns what it wrote. Output beyond `maxBytes` ends it. */
export async function runChild(
  program: string,
  args: readonly string[],
  options: { readonly signal?: AbortSignal | undefined; readonly maxBytes?: number; readonly timeoutMs?: number } = {},
): Promise<ChildExit & { readonly stdout: Buffer }> {
  const { signal, maxBytes = 64 << 20, timeoutMs } = options;
  const child = startChild(program, args, ['ignore', 'pipe', 'pipe']);
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.process.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) child.process.kill('SIGKILL');
    else chunks.push(chunk);
  });
  const stop = () => child.process.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  const timer = timeoutMs === undefined ? undefined : setTimeout(stop, timeoutMs);
  try {
    return { ...(await child.exit), stdout: Buffer.concat(chunks) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
