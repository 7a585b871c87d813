import type { Depacketizer, PictureSize } from './access-unit.js';
import { spsSize } from './sps.js';

const START_CODE = Buffer.from([0, 0, 0, 1]);
const IDR = 5;
const SPS = 7;
const PPS = 8;

/** Bytes of a parameter set at most: with all scaling lists they are a few hundred. */
const MOST_PARAMETER_BYTES = 2048;
/** NAL units of a picture at most. Slices that fit a packet each are some hundred of a large key frame. */
const MOST_UNITS = 4096;

/** H.264 pictures from RTP (RFC 6184, packetization modes 0 and 1). */
export class H264Depacketizer implements Depacketizer {
  #units: Buffer[] = [];
  #fragments: Buffer[] = [];
  #sps: Buffer | undefined;
  #size: PictureSize | undefined;
  #pps: Buffer | undefined;

  add(payload: Buffer): boolean {
    const first = payload[0];
    if (first === undefined) return false;
    const type = first & 0x1f;
    if (type >= 1 && type <= 23) return this.#unit(payload);
    if (type === 24) return this.#aggregate(payload);
    if (type === 28) return this.#fragment(payload);
    return false;
  }

  #unit(unit: Buffer): boolean {
    if (this.#fragments.length > 0 || unit.length === 0 || this.#units.length >= MOST_UNITS) return false;
    const type = unit.readUInt8(0) & 0x1f;
    if ((type === SPS || type === PPS) && !this.#parameters(type, unit)) return false;
    this.#units.push(unit);
    return true;
  }

  /** Keeps a parameter set for the key frames to come. @returns false when it cannot be one */
  #parameters(type: number, unit: Buffer): boolean {
    if (unit.length > MOST_PARAMETER_BYTES) return false;
    const known = type === SPS ? this.#sps : this.#pps;
    if (known?.equals(unit)) return true;
    // A copy: what came is a view of a packet, or of all that a fragmented picture was.
    if (type === PPS) this.#pps = Buffer.from(unit);
    else {
      this.#sps = Buffer.from(unit);
      this.#size = spsSize(unit);
    }
    return true;
  }

  #aggregate(payload: Buffer): boolean {
    let offset = 1;
    while (offset + 2 < payload.length) {
      const length = payload.readUInt16BE(offset);
      offset += 2;
      if (offset + length > payload.length || !this.#unit(payload.subarray(offset, offset + length))) return false;
      offset += length;
    }
    return offset === payload.length;
  }

  #fragment(payload: Buffer): boolean {
    if (payload.length < 3) return false;
    const header = payload.readUInt8(1);
    const starts = (header & 0x80) !== 0;
    if (starts !== (this.#fragments.length === 0)) return false;
    if (starts) this.#fragments.push(Buffer.of((payload.readUInt8(0) & 0xe0) | (header & 0x1f)));
    this.#fragments.push(payload.subarray(2));
    if (!(header & 0x40)) return true;
    const unit = Buffer.concat(this.#fragments);
    this.#fragments = [];
    return this.#unit(unit);
  }

  take() {
    const units = this.#units;
    const whole = this.#fragments.length === 0;
    this.reset();
    const types = units.map((unit) => unit.readUInt8(0) & 0x1f);
    const first = units[types.findIndex((type) => type >= 1 && type <= 5)];
    if (!whole || !first || !startsPicture(first)) return undefined;
    const key = types.includes(IDR);
    if (!key) return { data: annexB(units), key, size: undefined };
    if (!this.#sps || !this.#pps) return undefined;
    // A decoder that starts here needs the parameter sets in the same picture.
    const missing = [...(types.includes(SPS) ? [] : [this.#sps]), ...(types.includes(PPS) ? [] : [this.#pps])];
    return this.#size && { data: annexB([...missing, ...units]), key, size: this.#size };
  }

  reset(): void {
    this.#units = [];
    this.#fragments = [];
  }
}

/**
 * Whether a slice is the first of its picture: its head begins with the number 0 of its first macroblock, a single set
 * bit (H.264, 7.3.3). After a loss the rest of a picture of many slices looks whole otherwise.
 */
function startsPicture(slice: Buffer): boolean {
  return ((slice[1] ?? 0) & 0x80) !== 0;
}

function annexB(units: readonly Buffer[]): Buffer {
  return Buffer.concat(units.flatMap((unit) => [START_CODE, unit]));
}

/** NAL units as RTP payloads of at most `limit` bytes, fragmented where needed; each in parts. */
export function* packetizeH264(units: readonly Buffer[], limit: number): Generator<readonly Uint8Array[]> {
  for (const unit of units) {
    if (unit.length <= limit) {
      yield [unit];
      continue;
    }
    const header = unit.readUInt8(0);
    for (let offset = 1; offset < unit.length; offset += limit - 2) {
      const ends = offset + limit - 2 >= unit.length;
      const flags = (offset === 1 ? 0x80 : 0) | (ends ? 0x40 : 0);
      const indicator = Uint8Array.of((header & 0xe0) | 28, flags | (header & 0x1f));
      yield [indicator, unit.subarray(offset, offset + limit - 2)];
    }
  }
}
