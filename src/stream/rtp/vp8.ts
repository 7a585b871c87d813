import type { Depacketizer } from './access-unit.js';

/** Length of a VP8 payload descriptor (RFC 7741); undefined when the payload is cut off. */
function descriptorLength(payload: Buffer): number | undefined {
  const first = payload[0];
  if (first === undefined) return undefined;
  if (!(first & 0x80)) return 1;
  const extension = payload[1];
  if (extension === undefined) return undefined;
  let length = 2;
  if (extension & 0x80) length += (payload[length] ?? 0) & 0x80 ? 2 : 1;
  if (extension & 0x40) length += 1;
  if (extension & 0x30) length += 1;
  return length <= payload.length ? length : undefined;
}

/** VP8 frames from RTP (RFC 7741). */
export class Vp8Depacketizer implements Depacketizer {
  #parts: Buffer[] = [];

  add(payload: Buffer): boolean {
    const length = descriptorLength(payload);
    if (length === undefined) return false;
    const first = payload.readUInt8(0);
    const starts = (first & 0x10) !== 0 && (first & 0x07) === 0;
    if (starts !== (this.#parts.length === 0)) return false;
    this.#parts.push(payload.subarray(length));
    return true;
  }

  take() {
    const data = Buffer.concat(this.#parts);
    this.reset();
    if (data.length < 3) return undefined;
    const key = (data.readUInt8(0) & 1) === 0;
    if (!key) return { data, key, size: undefined };
    if (data.length < 10 || data.readUIntBE(3, 3) !== 0x9d012a) return undefined;
    return {
      data,
      key,
      size: { width: data.readUInt16LE(6) & 0x3fff, height: data.readUInt16LE(8) & 0x3fff },
    };
  }

  reset(): void {
    this.#parts = [];
  }
}

/** A VP8 frame as RTP payloads of at most `limit` bytes; each in parts. */
export function* packetizeVp8(frame: Buffer, limit: number): Generator<readonly Uint8Array[]> {
  const start = Uint8Array.of(0x10);
  const further = Uint8Array.of(0x00);
  for (let offset = 0; offset < frame.length; offset += limit - 1) {
    yield [offset === 0 ? start : further, frame.subarray(offset, offset + limit - 1)];
  }
}
