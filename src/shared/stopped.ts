import { TinySRError } from './errors.js';

/** What work that a signal stopped ends with; its cause is the signal's reason. */
export function stoppedError(signal: AbortSignal, message = 'stopped; nothing was left behind'): TinySRError {
  return new TinySRError('TSR_INTERRUPTED', message, { cause: signal.reason });
}

/** @throws TinySRError `TSR_INTERRUPTED` once the signal is aborted */
export function throwIfStopped(signal: AbortSignal | undefined, message?: string): void {
  if (signal?.aborted) throw stoppedError(signal, message);
}
