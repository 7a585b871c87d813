import type { PictureSize } from './access-unit.js';

/** Bits of a NAL unit, most significant first, emulation prevention removed. */
class BitReader {
  readonly #bytes: number[] = [];
  #position = 0;

  constructor(unit: Uint8Array) {
    for (let i = 0; i < unit.length; i += 1) {
      if (i >= 2 && unit[i] === 3 && unit[i - 1] === 0 && unit[i - 2] === 0) continue;
      this.#bytes.push(unit[i] ?? 0);
    }
  }

  bit(): number {
    const byte = this.#bytes[this.#position >> 3];
    if (byte === undefined) throw new RangeError('the parameter set is cut off');
    const value = (byte >> (7 - (this.#position & 7))) & 1;
    this.#position += 1;
    return value;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i += 1) value = value * 2 + this.bit();
    return value;
  }

  /** Exp-Golomb, unsigned. */
  ue(): number {
    let zeros = 0;
    while (this.bit() === 0) {
      zeros += 1;
      if (zeros > 31) throw new RangeError('not an Exp-Golomb number');
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** Exp-Golomb, signed. */
  se(): number {
    const value = this.ue();
    return value % 2 ? (value + 1) / 2 : -value / 2;
  }
}

const HIGH_PROFILES: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

function skipScalingList(reader: BitReader, length: number): void {
  let next = 8;
  for (let i = 0, last = 8; i < length && next !== 0; i += 1) {
    next = (last + reader.se() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

/** Picture size in a sequence parameter set (ITU-T H.264, 7.3.2.1.1). @returns undefined when it makes no sense */
export function spsSize(unit: Uint8Array): PictureSize | undefined {
  try {
    return readSize(new BitReader(unit.subarray(1)));
  } catch {
    return undefined;
  }
}

function readSize(reader: BitReader): PictureSize {
  const profile = reader.bits(8);
  reader.bits(16);
  reader.ue();
  let chroma = 1;
  if (HIGH_PROFILES.has(profile)) {
    chroma = reader.ue();
    if (chroma === 3) reader.bit();
    reader.ue();
    reader.ue();
    reader.bit();
    if (reader.bit()) {
      for (let i = 0; i < (chroma === 3 ? 12 : 8); i += 1) if (reader.bit()) skipScalingList(reader, i < 6 ? 16 : 64);
    }
  }
  reader.ue();
  const order = reader.ue();
  if (order === 0) reader.ue();
  else if (order === 1) {
    reader.bit();
    reader.se();
    reader.se();
    const cycle = reader.ue();
    for (let i = 0; i < cycle; i += 1) reader.se();
  }
  reader.ue();
  reader.bit();
  const width = (reader.ue() + 1) * 16;
  const mapUnits = reader.ue() + 1;
  const frames = reader.bit();
  if (!frames) reader.bit();
  reader.bit();
  const height = mapUnits * 16 * (2 - frames);
  if (!reader.bit()) return { width, height };
  const [left, right, top, bottom] = [reader.ue(), reader.ue(), reader.ue(), reader.ue()];
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = (chroma === 1 ? 2 : 1) * (2 - frames);
  return { width: width - (left + right) * unitX, height: height - (top + bottom) * unitY };
}
