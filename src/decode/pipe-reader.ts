import type { Readable } from 'node:stream';
import type { FrameReader } from './frame-reader.js';

/** Fills given buffers from a stream; what comes while nobody asks waits in the pipe. */
export class PipeReader implements FrameReader {
  readonly #stream: Readable;
  /** Pieces that came and found no room: the rest of one, seldom more. */
  readonly #pieces: Uint8Array[] = [];
  #target: Uint8Array | undefined;
  #filled = 0;
  #ended = false;
  #error: Error | undefined;
  #waiting: { resolve(filled: number): void; reject(error: Error): void } | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    // Pieces are taken as they come: read(size) would join them to one first, a copy of every frame more.
    stream.on('data', (piece: Uint8Array) => this.#take(piece));
    stream.pause();
    for (const event of ['end', 'close']) {
      stream.once(event, () => {
        this.#ended = true;
        this.#settle();
      });
    }
    stream.once('error', (error) => {
      this.#error = error;
      this.#settle();
    });
  }

  fill(target: Uint8Array): Promise<number> {
    this.#target = target;
    this.#filled = 0;
    for (let piece = this.#pieces.shift(); piece; piece = this.#pieces.shift()) {
      if (this.#copy(piece)) return Promise.resolve(target.length);
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#error || this.#ended) this.#settle();
      else this.#stream.resume();
    });
  }

  #take(piece: Uint8Array): void {
    // When a child exits, Node lets its pipes flow whether anybody has room or not: what is left of one pipe is kept.
    if (!this.#target) this.#pieces.push(piece);
    else if (this.#copy(piece)) this.#settle();
  }

  /** Answers whoever waits: with what was filled, or with the error that ended it. */
  #settle(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (this.#target && this.#error) waiting?.reject(this.#error);
    else waiting?.resolve(this.#filled);
    this.#target = undefined;
  }

  /** Copies what there is room for, keeps the rest at the front. @returns whether the target is full */
  #copy(piece: Uint8Array): boolean {
    const target = this.#target as Uint8Array;
    const room = target.length - this.#filled;
    target.set(piece.length > room ? piece.subarray(0, room) : piece, this.#filled);
    this.#filled += Math.min(room, piece.length);
    if (piece.length > room) this.#pieces.unshift(piece.subarray(room));
    if (this.#filled < target.length) return false;
    this.#target = undefined;
    this.#stream.pause();
    return true;
  }
}
