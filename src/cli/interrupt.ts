import { undoAll } from '../shared/last-resort.js';

/** Signals that ask a program to stop. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Turns the first Ctrl-C (or SIGTERM, SIGHUP) into an abort, so that work ends cleanly; the second ends it at once:
 * children are killed, temporaries removed, and the process ends by the signal itself, which shells report as 130.
 */
export function onInterrupt(notice: string | undefined): { readonly signal: AbortSignal; remove(): void } {
  const abort = new AbortController();
  // What nohup leaves: Node forgets that the signal is to be ignored, and a night's work must not end with the terminal.
  const attached = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  const handlers = SIGNALS.map((name) => {
    const handler = () => {
      if (name === 'SIGHUP' && !attached) return;
      if (abort.signal.aborted) {
        // A signal's own end runs no exit handlers.
        undoAll();
        process.removeAllListeners(name);
        process.kill(process.pid, name);
        return;
      }
      if (notice) process.stderr.write(`\n${notice}\n`);
      abort.abort();
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    signal: abort.signal,
    remove() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}
