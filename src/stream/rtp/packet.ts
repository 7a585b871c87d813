/** What an RTP packet says, its payload as a view into the packet. */
export interface RtpPacket {
  /** 0..65535. */
  readonly sequence: number;
  /** 0..2^32-1, in ticks of the codec's clock. */
  readonly timestamp: number;
  /** Last packet of a picture. */
  readonly marker: boolean;
  readonly payloadType: number;
  readonly payload: Buffer;
}

/** Reads an RTP packet (RFC 3550). @returns undefined when it is not one */
export function parseRtp(packet: Buffer): RtpPacket | undefined {
  if (packet.length < 12) return undefined;
  const first = packet.readUInt8(0);
  if (first >> 6 !== 2) return undefined;
  let start = 12 + (first & 0x0f) * 4;
  let end = packet.length;
  if (first & 0x10) {
    if (start + 4 > end) return undefined;
    start += 4 + packet.readUInt16BE(start + 2) * 4;
  }
  if (first & 0x20) end -= packet.readUInt8(end - 1);
  if (start > end) return undefined;
  const second = packet.readUInt8(1);
  return {
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    marker: (second & 0x80) !== 0,
    payloadType: second & 0x7f,
    payload: packet.subarray(start, end),
  };
}

/** Writes RTP packets of one stream: numbers without a gap, no extensions. */
export class RtpWriter {
  readonly #payloadType: number;
  readonly #ssrc: number;
  #sequence = Math.floor(Math.random() * 0x8000);

  constructor(payloadType: number, ssrc: number) {
    this.#payloadType = payloadType;
    this.#ssrc = ssrc;
  }

  /** The payload, given in parts, as a packet. */
  write(timestamp: number, marker: boolean, ...parts: readonly Uint8Array[]): Buffer {
    const header = Buffer.allocUnsafe(12);
    header.writeUInt8(0x80, 0);
    header.writeUInt8((marker ? 0x80 : 0) | this.#payloadType, 1);
    header.writeUInt16BE(this.#sequence, 2);
    header.writeUInt32BE(timestamp >>> 0, 4);
    header.writeUInt32BE(this.#ssrc, 8);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    return Buffer.concat([header, ...parts]);
  }
}

/** Whether a compound RTCP packet asks for a key frame: PLI or FIR (RFC 4585, RFC 5104). */
export function asksForKeyFrame(rtcp: Buffer): boolean {
  let offset = 0;
  while (offset + 4 <= rtcp.length) {
    const format = rtcp.readUInt8(offset) & 0x1f;
    if (rtcp.readUInt8(offset + 1) === 206 && (format === 1 || format === 4)) return true;
    offset += 4 + rtcp.readUInt16BE(offset + 2) * 4;
  }
  return false;
}
