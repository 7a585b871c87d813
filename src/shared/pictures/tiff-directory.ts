import type { FileHandle } from 'node:fs/promises';
import { bytesAt } from './chunks.js';

/** Entries of a directory beyond which nobody writes them: hostile files have more. */
const MOST = 512;
/** Bytes of an entry: tag, kind, count, value. */
export const ENTRY = 12;

/** Whether bytes begin as a TIFF structure does. */
export const isTiff = (bytes: Buffer) => ['II*\0', 'MM\0*'].includes(bytes.toString('latin1', 0, 4));

/** Reads and writes numbers in one of the two orders of bytes that TIFF has; a RangeError tells of those beyond the end. */
export class ByteOrder {
  readonly #little: boolean;

  /** @param header with which the structure begins */
  constructor(header: Buffer) {
    this.#little = header.toString('latin1', 0, 2) === 'II';
  }

  short(from: Buffer, at: number): number {
    return this.#little ? from.readUInt16LE(at) : from.readUInt16BE(at);
  }

  long(from: Buffer, at: number): number {
    return this.#little ? from.readUInt32LE(at) : from.readUInt32BE(at);
  }

  setShort(to: Buffer, at: number, value: number): void {
    if (this.#little) to.writeUInt16LE(value, at);
    else to.writeUInt16BE(value, at);
  }

  setLong(to: Buffer, at: number, value: number): void {
    if (this.#little) to.writeUInt32LE(value, at);
    else to.writeUInt32BE(value, at);
  }
}

/** A directory of TIFF or Exif. */
export interface TiffDirectory {
  readonly order: ByteOrder;
  /** Its entries as they are in the file, in {@link order}; of a file that is cut off, those that are whole. */
  readonly entries: readonly Buffer[];
  /** The bytes behind them, which tell where the next directory is. */
  readonly next: Buffer;
}

/** The first directory of a TIFF structure that begins at `base`; undefined where there is none. */
export async function firstDirectory(file: FileHandle, base: number): Promise<TiffDirectory | undefined> {
  const header = await bytesAt(file, base, 8);
  if (header.length < 8 || !isTiff(header)) return undefined;
  const order = new ByteOrder(header);
  const at = base + order.long(header, 4);
  const counted = await bytesAt(file, at, 2);
  const count = counted.length < 2 ? 0 : order.short(counted, 0);
  if (count === 0 || count > MOST) return undefined;
  const bytes = await bytesAt(file, at + 2, count * ENTRY + 4);
  const whole = Math.min(count, Math.floor(bytes.length / ENTRY));
  const entries = Array.from({ length: whole }, (_, index) => bytes.subarray(index * ENTRY, (index + 1) * ENTRY));
  return { order, entries, next: bytes.subarray(count * ENTRY) };
}
