import type { RtpPacket } from './packet.js';

/** A packet in its place, or a gap that will not be filled any more. */
export type Ordered = { readonly packet: RtpPacket; readonly arrivalMs: number } | { readonly lost: number };

/** How far ahead of a hole packets are kept; more means that the sender jumped. */
const MAX_AHEAD = 512;

/** Puts RTP packets in order and waits a bounded time for late ones (retransmissions). */
export class ReorderBuffer {
  readonly #waitMs: number;
  readonly #held = new Map<number, { readonly packet: RtpPacket; readonly arrivalMs: number }>();
  #next: number | undefined;
  #gapSince: number | undefined;

  /** @param waitMs how long a hole is kept open */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Takes a packet; gives what is now in order. */
  push(packet: RtpPacket, nowMs: number): Ordered[] {
    this.#next ??= packet.sequence;
    const ahead = (packet.sequence - this.#next) & 0xffff;
    // Behind the next one: a duplicate, or too late.
    if (ahead >= 0x8000) return this.expire(nowMs);
    if (ahead > MAX_AHEAD) {
      const lost = this.#held.size + 1;
      this.#held.clear();
      this.#gapSince = undefined;
      this.#next = (packet.sequence + 1) & 0xffff;
      return [{ lost }, { packet, arrivalMs: nowMs }];
    }
    this.#held.set(packet.sequence, { packet, arrivalMs: nowMs });
    const ready = this.#drain();
    this.#gapSince = this.#held.size === 0 ? undefined : ready.length > 0 ? nowMs : (this.#gapSince ?? nowMs);
    return [...ready, ...this.expire(nowMs)];
  }

  /** Gives up holes that are older than the wait. */
  expire(nowMs: number): Ordered[] {
    if (this.#gapSince === undefined || nowMs - this.#gapSince < this.#waitMs || this.#next === undefined) return [];
    let lost = 0;
    while (!this.#held.has(this.#next)) {
      this.#next = (this.#next + 1) & 0xffff;
      lost += 1;
    }
    const ready = this.#drain();
    this.#gapSince = this.#held.size === 0 ? undefined : nowMs;
    return [{ lost }, ...ready];
  }

  #drain(): Ordered[] {
    const ready: Ordered[] = [];
    while (this.#next !== undefined) {
      const entry = this.#held.get(this.#next);
      if (!entry) break;
      this.#held.delete(this.#next);
      this.#next = (this.#next + 1) & 0xffff;
      ready.push(entry);
    }
    return ready;
  }
}
