import { once } from 'node:events';
import type { Readable } from 'node:stream';

/** Fills given buffers from a stream, without asking for more than they hold. */
export class PipeReader {
  readonly #stream: Readable;
  #ended = false;
  #error: Error | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.once('end', () => {
      this.#ended = true;
    });
    stream.once('close', () => {
      this.#ended = true;
    });
    stream.once('error', (error) => {
      this.#error = error;
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
      const missing = target.length - filled;
      const available = this.#stream.readableLength;
      const chunk: Buffer | null =
        available > 0 ? this.#stream.read(Math.min(missing, available)) : this.#stream.read();
      if (chunk) {
        // read() without a size may give more than there is room for; what is left goes back.
        if (chunk.length > missing) this.#stream.unshift(chunk.subarray(missing));
        target.set(chunk.length > missing ? chunk.subarray(0, missing) : chunk, filled);
        filled += Math.min(chunk.length, missing);
      } else if (this.#ended || this.#stream.destroyed) {
        return filled;
      } else {
        await this.#more();
      }
    }
    return filled;
  }

  async #more(): Promise<void> {
    const stop = new AbortController();
    const wait = (event: string) => once(this.#stream, event, { signal: stop.signal });
    try {
      await Promise.race([wait('readable'), wait('end'), wait('close')]);
    } finally {
      stop.abort();
    }
  }
}
