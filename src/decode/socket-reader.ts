import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrameReader } from './frame-reader.js';

/** Bytes that are read before it is known where they belong: they are copied, the rest of a frame is not. */
const LANDING_BYTES = 65_536;

/**
 * Reads from a socket straight into the buffers it is given. Node's streams allocate a piece for each read, whose copying
 * and collecting cost more than all else on the main thread.
 */
export class SocketReader implements FrameReader {
  readonly #socket: Socket;
  readonly #landing = new Uint8Array(LANDING_BYTES);
  /** Bytes of the landing that have found no room: from, to. */
  #from = 0;
  #to = 0;
  #target: Uint8Array | undefined;
  #filled = 0;
  #ended = false;
  #error: Error | undefined;
  #waiting: { resolve(filled: number): void; reject(error: Error): void } | undefined;

  /** @param path a listening local socket */
  private constructor(path: string) {
    this.#socket = connect({
      path,
      onread: {
        buffer: () => this.#room(),
        callback: (bytes, buffer) => this.#came(bytes, buffer),
      },
    });
    this.#socket.pause();
    for (const event of ['end', 'close']) {
      this.#socket.once(event, () => {
        this.#ended = true;
        this.#settle();
      });
    }
    this.#socket.on('error', (error) => {
      this.#error = error;
      this.#settle();
    });
  }

  /**
   * Makes two connected sockets: a reader, and the end that a child process is to write to. Nobody else can connect: the
   * path lies in a folder of its own and is gone when this returns.
   *
   * @returns the far end for the child's `stdio`; whoever gives it away destroys it, or the reader never ends
   * @throws Error of the system, such as for a temporary folder whose path is too long for a socket
   */
  static async open(): Promise<{ readonly reader: SocketReader; readonly far: Socket }> {
    const folder = await mkdtemp(join(tmpdir(), 'tinysr-'));
    const server = createServer({ pauseOnConnect: true });
    try {
      const path = join(folder, 'frames');
      server.listen(path);
      await once(server, 'listening');
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const reader = new SocketReader(path);
      // A connection that fails is told by the reader's end only.
      const [[far]] = await Promise.all([accepted, once(reader.#socket, 'connect')]);
      return { reader, far };
    } finally {
      server.close();
      await rm(folder, { recursive: true, force: true });
    }
  }

  fill(target: Uint8Array): Promise<number> {
    const ready = Math.min(target.length, this.#to - this.#from);
    target.set(this.#landing.subarray(this.#from, this.#from + ready));
    this.#from += ready;
    if (ready === target.length) return Promise.resolve(ready);
    this.#target = target;
    this.#filled = ready;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#error || this.#ended) this.#settle();
      else this.#socket.resume();
    });
  }

  /** Ends the reader; whoever waits gets what has come. Idempotent. */
  close(): void {
    this.#socket.destroy();
  }

  /** Where the next bytes go. */
  #room(): Uint8Array {
    return this.#target?.subarray(this.#filled) ?? this.#landing;
  }

  /** @returns whether to go on reading */
  #came(bytes: number, buffer: Uint8Array): boolean {
    if (buffer === this.#landing) {
      const used = this.#target ? Math.min(bytes, this.#target.length - this.#filled) : 0;
      this.#target?.set(buffer.subarray(0, used), this.#filled);
      [this.#from, this.#to] = [used, bytes];
      this.#filled += used;
    } else {
      this.#filled += bytes;
    }
    if (this.#target && this.#filled < this.#target.length) return true;
    this.#settle();
    return false;
  }

  /** Answers whoever waits: with what was filled, or with the error that ended it. */
  #settle(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#target = undefined;
    if (this.#error) waiting?.reject(this.#error);
    else waiting?.resolve(this.#filled);
  }
}
