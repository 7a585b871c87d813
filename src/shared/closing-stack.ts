import { TinySRError } from './errors.js';

/**
 * Closes what was opened, last first, once; every closer runs even when one fails. It may be closed while others still
 * open things for it, as a signal does: what comes then is closed at once.
 */
export class ClosingStack {
  readonly #closers: (() => Promise<unknown> | unknown)[] = [];
  /** Closers of what came too late, running. */
  readonly #late: Promise<unknown>[] = [];
  #closed: Promise<void> | undefined;

  /**
   * Registers how to close something and returns the thing.
   *
   * @throws TinySRError `TSR_INTERRUPTED` when the stack is closed or being closed: the thing is being closed then, too,
   * and {@link close} waits for it
   */
  use<T>(thing: T, close: (thing: T) => Promise<unknown> | unknown): T {
    const closer = () => close(thing);
    if (!this.#closed) {
      this.#closers.push(closer);
      return thing;
    }
    const closing = Promise.resolve().then(closer);
    // Who calls close once more is told.
    closing.catch(() => undefined);
    this.#late.push(closing);
    throw new TinySRError('TSR_INTERRUPTED', 'stopped while something was being opened');
  }

  /** Runs the closers. Idempotent. @throws the first closer's error, after all have run */
  async close(): Promise<void> {
    this.#closed ??= this.#run();
    const results = await Promise.allSettled([this.#closed, ...this.#late]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #run(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closers.reverse()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length) throw errors[0];
  }
}
