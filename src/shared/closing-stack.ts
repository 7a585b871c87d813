/** Closes what was opened, last first, once; every closer runs even when one fails. */
export class ClosingStack {
  readonly #closers: (() => Promise<unknown> | unknown)[] = [];
  #closed: Promise<void> | undefined;

  /** Registers how to close something and returns the thing. */
  use<T>(thing: T, close: (thing: T) => Promise<unknown> | unknown): T {
    this.#closers.push(() => close(thing));
    return thing;
  }

  /** Runs the closers. Idempotent. @throws the first closer's error, after all have run */
  close(): Promise<void> {
    this.#closed ??= this.#run();
    return this.#closed;
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
