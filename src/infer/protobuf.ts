import { readSync } from 'node:fs';

/** A part of a file, in bytes from its beginning. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A field of a message: its value where it is a number, else where it lies. */
export interface Field extends Span {
  readonly id: number;
  readonly value: number;
}

const WINDOW_BYTES = 1 << 16;
/** How many bytes a field of each wire type takes; those with a length of their own are not here. */
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** Reads messages of protocol buffers piece by piece: what is not asked for, weights of gigabytes, is never read. */
export class ProtobufFile {
  readonly #fd: number;
  readonly #window = Buffer.alloc(WINDOW_BYTES);
  #from = 0;
  #bytes = 0;

  /** @param fd of an open file; stays the caller's */
  constructor(fd: number) {
    this.#fd = fd;
  }

  #byte(at: number): number {
    if (at < this.#from || at >= this.#from + this.#bytes) {
      this.#from = at;
      this.#bytes = readSync(this.#fd, this.#window, 0, WINDOW_BYTES, at);
      if (this.#bytes === 0) throw new Error('the file ends within a message');
    }
    return this.#window[at - this.#from] ?? 0;
  }

  #varint(at: number): { readonly value: number; readonly next: number } {
    let value = 0;
    for (let index = 0; index < 10; index += 1) {
      const byte = this.#byte(at + index);
      value += (byte & 127) * 2 ** (7 * index);
      if (byte < 128) return { value, next: at + index + 1 };
    }
    throw new Error('not a protocol buffer');
  }

  /** The fields of a message. @throws Error when it is none */
  *fields({ start, end }: Span): Generator<Field> {
    let at = start;
    while (at < end) {
      const tag = this.#varint(at);
      const [id, wire] = [Math.floor(tag.value / 8), tag.value % 8];
      const first = wire === 0 || wire === 2 ? this.#varint(tag.next) : { value: 0, next: tag.next };
      const length = wire === 2 ? first.value : wire === 0 ? 0 : FIXED_BYTES[wire];
      if (length === undefined || first.next + length > end) throw new Error('not a protocol buffer');
      at = first.next + length;
      yield { id, value: first.value, start: first.next, end: at };
    }
  }

  /** Numbers, one behind the other, as repeated fields may be packed. */
  *numbers({ start, end }: Span): Generator<number> {
    let at = start;
    while (at < end) {
      const { value, next } = this.#varint(at);
      yield value;
      at = next;
    }
  }

  /** A short text: a name. */
  text({ start, end }: Span): string {
    return Buffer.from(
      Array.from({ length: Math.min(end - start, 4096) }, (_, index) => this.#byte(start + index)),
    ).toString();
  }
}
