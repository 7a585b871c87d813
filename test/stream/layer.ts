import { randomBytes } from 'node:crypto';
import { RtpWriter } from '#src/stream/rtp/packet.js';
import { packetizeVp8 } from '#src/stream/rtp/vp8.js';
import { PAYLOAD_TYPE } from './source.js';

/** Seconds between 1900, where NTP begins, and 1970. */
const NTP_EPOCH_S = 2_208_988_800;
const FRAME_MS = 50;
/** Frames between two sender reports: a second. */
const REPORT_FRAMES = 20;

/** What one layer of a simulcast is. */
export interface LayerFormat {
  readonly ssrc: number;
  readonly width: number;
  readonly height: number;
  /** Bits a second. */
  readonly bitrate: number;
}

/**
 * Sends one layer of a simulcast, with sender reports: VP8 as far as a media server looks into it, key frames with their
 * size, all else noise.
 */
export class Layer {
  readonly format: LayerFormat;
  readonly #writer: RtpWriter;
  readonly #rtp: (packet: Buffer) => void;
  readonly #rtcp: (packet: Buffer) => void;
  readonly #timer: NodeJS.Timeout;
  #frames = 0;
  #packets = 0;
  #key = true;
  /** Sends nothing, as a browser does when it has too little bandwidth for the layer. */
  silent = false;
  /** Wishes for a key frame that get lost on the way here. */
  deafTo = 0;

  constructor(format: LayerFormat, rtp: (packet: Buffer) => void, rtcp: (packet: Buffer) => void) {
    this.format = format;
    this.#writer = new RtpWriter(PAYLOAD_TYPE, format.ssrc);
    [this.#rtp, this.#rtcp] = [rtp, rtcp];
    this.#timer = setInterval(() => this.#frame(), FRAME_MS);
  }

  /** To be called when the far side wishes a key frame of this layer. */
  askForKey(): void {
    if (this.deafTo > 0) this.deafTo -= 1;
    else this.#key = true;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #frame(): void {
    this.#frames += 1;
    if (this.silent) return;
    const timestamp = this.#frames * FRAME_MS * 90;
    const payloads = [...packetizeVp8(this.#picture(), 1100)];
    payloads.forEach((parts, index) => {
      this.#rtp(this.#writer.write(timestamp, index === payloads.length - 1, ...parts));
    });
    this.#packets += payloads.length;
    if (this.#frames % REPORT_FRAMES === 0) this.#rtcp(this.#report(timestamp));
  }

  /** A frame with the header of RFC 6386, section 9.1. */
  #picture(): Buffer {
    const picture = randomBytes((this.format.bitrate * FRAME_MS) / 8000);
    picture.writeUInt8(this.#key ? 0x10 : 0x11, 0);
    if (this.#key) {
      picture.writeUIntBE(0x9d012a, 3, 3);
      picture.writeUInt16LE(this.format.width, 6);
      picture.writeUInt16LE(this.format.height, 8);
    }
    this.#key = false;
    return picture;
  }

  /** A sender report (RFC 3550, section 6.4.1) without blocks. */
  #report(timestamp: number): Buffer {
    const report = Buffer.alloc(28);
    const now = Date.now();
    report.writeUInt32BE(0x80c80006, 0);
    report.writeUInt32BE(this.format.ssrc, 4);
    report.writeUInt32BE(Math.floor(now / 1000) + NTP_EPOCH_S, 8);
    report.writeUInt32BE(Math.floor(((now % 1000) / 1000) * 2 ** 32), 12);
    report.writeUInt32BE(timestamp >>> 0, 16);
    report.writeUInt32BE(this.#packets, 20);
    return report;
  }
}
