/** A place for one thing: what is put in takes the place of what was not fetched in time. */
export class Newest<T> {
  #value: T | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  /** Whether there is a thing to be taken. */
  get waits(): boolean {
    return this.#value !== undefined;
  }

  /** Puts a thing in. @returns what it displaced */
  put(value: T): T | undefined {
    const displaced = this.#value;
    this.#value = value;
    this.#wake?.();
    return displaced;
  }

  /** Waits for a thing and takes it; undefined when closed. */
  async take(): Promise<T | undefined> {
    while (this.#value === undefined && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const value = this.#closed ? undefined : this.#value;
    this.#value = undefined;
    return value;
  }

  /** Ends the waiting. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }
}
