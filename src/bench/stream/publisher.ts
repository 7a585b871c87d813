import { performance } from 'node:perf_hooks';
import type { CodedPicture } from '../../stream/bridge/ivf.js';
import { packetizeH264 } from '../../stream/rtp/h264.js';
import { RtpWriter } from '../../stream/rtp/packet.js';

/** Payload type of the packets. */
export const PAYLOAD_TYPE = 102;
/** Payload bytes of a packet, as browsers send them. */
const PAYLOAD = 1180;
/** Ticks of the RTP clock a second. */
const CLOCK = 90_000;
/** Frames whose time is remembered; more than that never come out. */
const REMEMBERED = 1024;

/** Sends a coded clip as RTP in real time, over and over, as a camera would. Begins at a key frame when asked to. */
export class Publisher {
  readonly #pictures: readonly CodedPicture[];
  readonly #intervalMs: number;
  readonly #ticks: number;
  readonly #send: (packet: Buffer) => void;
  readonly #writer = new RtpWriter(PAYLOAD_TYPE, 1);
  readonly #due = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #sent = 0;
  #next = 0;
  #stopped = false;

  /** @param pictures H.264, the first of them a key frame */
  constructor(pictures: readonly CodedPicture[], fps: number, send: (packet: Buffer) => void) {
    this.#pictures = pictures;
    this.#intervalMs = 1000 / fps;
    this.#ticks = CLOCK / fps;
    this.#send = send;
  }

  /** Begins. @returns the moment, on the clock of `performance.now()` */
  start(): number {
    this.#startedMs = performance.now();
    this.#tick();
    return this.#startedMs;
  }

  /** Goes on with the next key frame of the clip. */
  requestKeyFrame(): void {
    const index = this.#pictures.findIndex(({ key }, at) => key && at >= this.#next);
    this.#next = Math.max(0, index);
  }

  /** When the frame of this RTP timestamp was due, taken out; undefined when it is not known. */
  takeDue(timestamp: number): number | undefined {
    const due = this.#due.get(timestamp);
    this.#due.delete(timestamp);
    return due;
  }

  #tick(): void {
    // A late timer sends what was due meanwhile: a network would not have waited for this process either.
    let due = this.#startedMs + this.#sent * this.#intervalMs;
    for (; due <= performance.now() && !this.#stopped; due += this.#intervalMs) this.#picture(due);
    if (!this.#stopped) this.#timer = setTimeout(() => this.#tick(), due - performance.now());
  }

  #picture(due: number): void {
    const picture = this.#pictures[this.#next];
    if (!picture) return;
    this.#next = (this.#next + 1) % this.#pictures.length;
    const timestamp = Math.round(this.#sent * this.#ticks) >>> 0;
    this.#sent += 1;
    this.#due.set(timestamp, due);
    if (this.#due.size > REMEMBERED) this.#due.delete(this.#due.keys().next().value ?? timestamp);
    const payloads = [...packetizeH264(picture.units, PAYLOAD)];
    for (const [index, parts] of payloads.entries()) {
      this.#send(this.#writer.write(timestamp, index === payloads.length - 1, ...parts));
    }
  }

  /** Ends it, from within `send` too. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
