import type { Readable } from 'node:stream';
import { parseRational, type Rational } from '../shared/rational.js';
import { LineReader } from './line-reader.js';

/** Nanoseconds of `pts` ticks, rounded to the nearest. */
export function ticksToNs(pts: bigint, timeBase: Rational): bigint {
  const numerator = pts * BigInt(timeBase.num) * 1_000_000_000n;
  const den = BigInt(timeBase.den);
  const half = numerator < 0n ? -den / 2n : den / 2n;
  return (numerator + half) / den;
}

/** PTS of the frames of a stream, in order, from ffmpeg's framecrc lines (`stream, dts, pts, duration, size, crc`). */
export class Timestamps {
  readonly #lines: LineReader;
  #timeBase: Rational;
  #last: bigint | undefined;
  readonly #duration: bigint;
  /** Frames whose PTS was missing or not above the one before and was set to follow it. */
  repaired = 0;

  /**
   * @param timeBase used until the header line says one
   * @param frameDuration ticks that a frame without a PTS follows the one before by
   */
  constructor(stream: Readable, timeBase: Rational, frameDuration: number) {
    // Few wait: ffmpeg gives the picture of each line by the other pipe, which is read at the same pace.
    this.#lines = new LineReader(stream);
    this.#timeBase = timeBase;
    this.#duration = BigInt(Math.max(1, Math.round(frameDuration)));
  }

  /** PTS of the next frame in nanoseconds; undefined at the end. */
  async next(): Promise<bigint | undefined> {
    for (;;) {
      const line = await this.#lines.next();
      if (line === undefined) return undefined;
      if (line.startsWith('0,')) return ticksToNs(this.#following(line.split(',', 3)[2]?.trim() ?? ''), this.#timeBase);
      const header = /^#tb 0:\s*(\S+)/.exec(line);
      if (header) this.#timeBase = parseRational(header[1]) ?? this.#timeBase;
    }
  }

  #following(text: string): bigint {
    const pts = /^-?\d+$/.test(text) ? BigInt(text) : undefined;
    const noPts = pts === undefined || pts === -(1n << 63n);
    let value = noPts ? (this.#last ?? -this.#duration) + this.#duration : pts;
    if (this.#last !== undefined && value <= this.#last) value = this.#last + 1n;
    if (noPts || value !== pts) this.repaired += 1;
    this.#last = value;
    return value;
  }
}
