import type { Readable } from 'node:stream';

/** Fills given buffers from a stream, without asking for more than they hold. */
export class PipeReader {
  readonly #stream: Readable;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    const wake = () => this.#wake?.();
    // The listener stays for good: when a child exits, Node discards what is unread of a pipe nobody listens to.
    stream.on('readable', wake);
    for (const event of ['end', 'close']) {
      stream.once(event, () => {
        this.#ended = true;
        wake();
      });
    }
    stream.once('error', (error) => {
      this.#error = error;
      wake();
    });
  }

  /**
   * Fills `target`.
   *
   * @returns the bytes filled: less than `target.length` only at the end of the stream
   * @throws the stream's own error
   */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      if (this.#error) throw this.#error;
      const chunk = this.#next(target.length - filled);
      if (chunk) {
        target.set(chunk, filled);
        filled += chunk.length;
      } else if (this.#ended) {
        return filled;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
    return filled;
  }

  #next(limit: number): Uint8Array | null {
    const available = this.#stream.readableLength;
    // read() without a size makes the stream ask the system for more; with one it takes no more than there is room for.
    return available === 0 ? this.#stream.read(0) : this.#stream.read(Math.min(limit, available));
  }
}
