import type { BufferCredit } from '../decode/frame-source.js';
import { TinySRError } from '../shared/errors.js';

/**
 * A fixed number of frame buffers. A batch holds its buffer from before it is read until its result is written, so
 * the pool's size bounds everything under way: RxJS pushes and would never slow a source by itself.
 */
export class FramePool implements BufferCredit {
  readonly #free: ArrayBuffer[];
  readonly #waiting: { resolve(buffer: ArrayBuffer): void; reject(error: Error): void }[] = [];
  #closed = false;

  /**
   * @param count buffers
   * @param bytes size of each
   */
  constructor(count: number, bytes: number) {
    this.#free = Array.from({ length: count }, () => new ArrayBuffer(bytes));
  }

  /** Waits for a free buffer. @throws TinySRError `TSR_INTERRUPTED` once the pool is closed */
  acquire(): Promise<ArrayBuffer> {
    if (this.#closed) return Promise.reject(new TinySRError('TSR_INTERRUPTED', 'stopped'));
    const buffer = this.#free.pop();
    if (buffer) return Promise.resolve(buffer);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Gives a buffer back. */
  release(buffer: ArrayBuffer): void {
    const next = this.#waiting.shift();
    if (next) next.resolve(buffer);
    else this.#free.push(buffer);
  }

  /** Rejects whoever waits, now and later. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new TinySRError('TSR_INTERRUPTED', 'stopped'));
  }
}
