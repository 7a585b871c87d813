import { log } from '../../shared/log.js';
import type { AccessUnit, Depacketizer } from './access-unit.js';
import { H264Depacketizer } from './h264.js';
import type { RtpPacket } from './packet.js';
import { parseRtp } from './packet.js';
import { type Ordered, ReorderBuffer } from './reorder.js';
import { Vp8Depacketizer } from './vp8.js';
import { Vp9Depacketizer } from './vp9.js';

/** Codecs that can come in. */
export type InputCodec = 'vp8' | 'vp9' | 'h264';

const INPUT_CODECS: Readonly<Record<string, InputCodec>> = {
  'video/vp8': 'vp8',
  'video/vp9': 'vp9',
  'video/h264': 'h264',
};

/** The codec of a MIME type; undefined when it cannot come in. */
export function inputCodecOf(mimeType = ''): InputCodec | undefined {
  return INPUT_CODECS[mimeType.toLowerCase()];
}

const DEPACKETIZERS = { vp8: Vp8Depacketizer, vp9: Vp9Depacketizer, h264: H264Depacketizer } as const;

/** How long a missing packet is waited for, in milliseconds: mediasoup asks the publisher, near or far, to send it again. */
const LATE_PACKET_MS = { shortest: 120, longest: 500 } as const;

/** Bytes of a picture at most: packets that never end one would fill the memory. 2160p key frames have a tenth of it. */
const MOST_BYTES = 4 << 20;

/** What the receiver tells its owner. */
export interface AssemblerEvents {
  picture(unit: AccessUnit): void;
  /** Pictures were lost; a key frame is needed, nothing is given before it. */
  lost(packets: number): void;
}

/** Coded pictures from the RTP packets of one stream: in order, whole, after a loss not before the next key frame. */
export class Assembler {
  readonly #events: AssemblerEvents;
  readonly #payloadType: number;
  readonly #order = new ReorderBuffer(LATE_PACKET_MS.shortest, LATE_PACKET_MS.longest);
  readonly #codec: Depacketizer;
  #timestamp: number | undefined;
  #arrivalMs = 0;
  #bytes = 0;
  #damaged = false;
  #needsKey = true;

  /** @param payloadType packets of another one (retransmission, redundancy) are left out */
  constructor(codec: InputCodec, payloadType: number, events: AssemblerEvents) {
    this.#codec = new DEPACKETIZERS[codec]();
    this.#payloadType = payloadType;
    this.#events = events;
  }

  /** Whether nothing can be given before the next key frame. */
  get needsKey(): boolean {
    return this.#needsKey;
  }

  /** Takes a packet as it comes. */
  push(data: Buffer, nowMs: number): void {
    const packet = parseRtp(data);
    if (packet?.payloadType !== this.#payloadType) return;
    this.#all(this.#order.push(packet, nowMs));
  }

  /** To be called now and then: gives up packets that are waited for in vain. */
  expire(nowMs: number): void {
    this.#all(this.#order.expire(nowMs));
  }

  #all(items: readonly Ordered[]): void {
    for (const item of items) {
      if ('lost' in item) this.#loss(item.lost);
      else this.#packet(item.packet, item.arrivalMs);
    }
  }

  #loss(packets: number): void {
    this.#codec.reset();
    this.#timestamp = undefined;
    this.#damaged = true;
    this.#needsKey = true;
    this.#events.lost(packets);
  }

  #packet(packet: RtpPacket, arrivalMs: number): void {
    // An empty payload is padding that probes for bandwidth.
    if (packet.payload.length === 0) return;
    if (this.#timestamp !== undefined && this.#timestamp !== packet.timestamp) this.#finish();
    if (this.#timestamp === undefined) {
      this.#timestamp = packet.timestamp;
      this.#damaged = false;
      this.#bytes = 0;
      this.#codec.reset();
    }
    this.#arrivalMs = arrivalMs;
    this.#bytes += packet.payload.length;
    if (!this.#damaged && (this.#bytes > MOST_BYTES || !this.#codec.add(packet.payload))) {
      this.#damaged = true;
      this.#codec.reset();
    }
    if (packet.marker) this.#finish();
  }

  /** The picture; none when its bytes make no sense to the reader, whatever it stumbles over: they come from anybody. */
  #take() {
    try {
      return this.#codec.take();
    } catch (error) {
      log.warn({ error: String(error) }, 'unreadable picture');
      return undefined;
    }
  }

  #finish(): void {
    const timestamp = this.#timestamp;
    this.#timestamp = undefined;
    if (timestamp === undefined) return;
    const picture = this.#damaged ? undefined : this.#take();
    if (!picture) {
      this.#codec.reset();
      if (!this.#needsKey) this.#loss(0);
      return;
    }
    if (this.#needsKey && !picture.key) return;
    this.#needsKey = false;
    this.#events.picture({ ...picture, timestamp, arrivalMs: this.#arrivalMs });
  }
}
