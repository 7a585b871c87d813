import type { Depacketizer, PictureSize } from './access-unit.js';

/** What the descriptor before a VP9 payload says (RFC 9628, 4.2). */
interface Descriptor {
  /** First packet of a frame. */
  readonly starts: boolean;
  /** Last packet of a frame. */
  readonly ends: boolean;
  /** Spatial layer, 0 is the smallest picture. */
  readonly layer: number;
  readonly bytes: number;
}

function readDescriptor(payload: Buffer): Descriptor | undefined {
  let offset = 0;
  const next = () => payload[offset++] ?? Number.NaN;
  const first = next();
  const flag = (bit: number) => (first & bit) !== 0;
  const [hasId, predicted, hasLayers, flexible, hasStructure] = [0x80, 0x40, 0x20, 0x10, 0x02].map(flag);
  if (hasId && next() & 0x80) next();
  let layer = 0;
  if (hasLayers) {
    layer = (next() >> 1) & 0x07;
    if (!flexible) next();
  }
  if (flexible && predicted) {
    // Each reference says whether another one follows, three at most.
    for (let count = 0; count < 3 && next() & 1; count += 1);
  }
  if (hasStructure) {
    const structure = next();
    if (structure & 0x10) offset += ((structure >> 5) + 1) * 4;
    if (structure & 0x08) {
      for (let pictures = next(); pictures > 0; pictures -= 1) {
        const references = (next() >> 2) & 0x03;
        offset += references;
      }
    }
  }
  if (offset >= payload.length) return undefined;
  return { starts: flag(0x08), ends: flag(0x04), layer, bytes: offset };
}

/** Bits of a frame's head, most significant first; 0 beyond its end. */
class Bits {
  readonly #data: Buffer;
  #position = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  /** Whether more was taken than there is. */
  get exhausted(): boolean {
    return this.#position > 8 * this.#data.length;
  }

  take(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i += 1, this.#position += 1) {
      value = value * 2 + (((this.#data[this.#position >> 3] ?? 0) >> (7 - (this.#position & 7))) & 1);
    }
    return value;
  }
}

const SYNC_CODE = 0x498342;
/** Colour spaces in the head of a key frame. */
const UNKNOWN = 0;
const BT709 = 2;
const RGB = 7;

/**
 * Kind and size in the head of a VP9 frame (bitstream specification, 6.2).
 *
 * @returns undefined when it is none, or is cut off
 */
export function readVp9Head(
  frame: Buffer,
): { readonly key: boolean; readonly size: PictureSize | undefined } | undefined {
  const bits = new Bits(frame);
  if (bits.take(2) !== 2) return undefined;
  const profile = bits.take(1) + 2 * bits.take(1);
  if (profile === 3) bits.take(1);
  const repeatsAnother = bits.take(1) === 1;
  const inter = bits.take(1) === 1;
  if (repeatsAnother || inter) return { key: false, size: undefined };
  bits.take(2);
  if (bits.take(24) !== SYNC_CODE) return undefined;
  if (profile >= 2) bits.take(1);
  const colorSpace = bits.take(3);
  if (colorSpace !== RGB) bits.take(profile % 2 === 1 ? 4 : 1);
  else if (profile % 2 === 1) bits.take(1);
  const size = { width: bits.take(16) + 1, height: bits.take(16) + 1 };
  return bits.exhausted ? undefined : { key: true, size };
}

/**
 * A key frame of profile 0 that says nothing about its colours: browsers, which leave it so, show it as BT.709, while
 * ffmpeg would take it for BT.601. So it is said.
 */
function sayColors(keyFrame: Buffer): void {
  const colors = keyFrame.readUInt8(4);
  const firstProfile = (keyFrame.readUInt8(0) & 0x30) === 0;
  if (firstProfile && colors >> 5 === UNKNOWN) keyFrame.writeUInt8(colors | (BT709 << 5), 4);
}

/**
 * VP9 frames from RTP (RFC 9628). Of a stream with spatial layers only the smallest is taken: ffmpeg would give each
 * layer as a picture of its own.
 */
export class Vp9Depacketizer implements Depacketizer {
  #parts: Buffer[] = [];
  #ended = false;

  add(payload: Buffer): boolean {
    const descriptor = readDescriptor(payload);
    if (!descriptor) return false;
    if (descriptor.layer > 0) return true;
    if (this.#ended || descriptor.starts !== (this.#parts.length === 0)) return false;
    this.#parts.push(payload.subarray(descriptor.bytes));
    this.#ended = descriptor.ends;
    return true;
  }

  take() {
    const data = Buffer.concat(this.#parts);
    const whole = this.#ended;
    this.reset();
    const head = whole ? readVp9Head(data) : undefined;
    if (head?.key) sayColors(data);
    return head && { data, ...head };
  }

  reset(): void {
    this.#parts = [];
    this.#ended = false;
  }
}
