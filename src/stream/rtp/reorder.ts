import type { RtpPacket } from './packet.js';

/** A packet in its place, or a gap that will not be filled any more. */
export type Ordered = { readonly packet: RtpPacket; readonly arrivalMs: number } | { readonly lost: number };

/** How far ahead of a hole packets are kept; more means that the sender jumped. */
const MAX_AHEAD = 512;
/** Packets given up of which it is remembered since when they were missing. */
const MOST_GIVEN_UP = 64;
/** What comes later than this is no retransmission, in milliseconds. */
const MOST_LATE_MS = 3000;
/** Of the time that a retransmission took, how long the next may take, in shares and milliseconds. */
const PATIENCE = { share: 1.25, ms: 20 } as const;
/** How much of the way to what would do a wait that is longer goes, by each hole that was filled. */
const SHORTENING = 0.1;

/**
 * Puts RTP packets in order and waits a bounded time for late ones. A retransmission takes a round trip, which differs from
 * sender to sender: one that comes when its hole was given up makes the next ones wait longer.
 */
export class ReorderBuffer {
  readonly #shortestMs: number;
  readonly #longestMs: number;
  /** Since when packets were missing that were given up, by sequence number. */
  readonly #givenUp = new Map<number, number>();
  #waitMs: number;
  readonly #held = new Map<number, { readonly packet: RtpPacket; readonly arrivalMs: number }>();
  #next: number | undefined;
  #gapSince: number | undefined;

  /** @param shortestMs how long a hole is kept open at least, and at first; longestMs: at most */
  constructor(shortestMs: number, longestMs = shortestMs) {
    this.#shortestMs = shortestMs;
    this.#longestMs = longestMs;
    this.#waitMs = shortestMs;
  }

  /** How long a hole is kept open now, in milliseconds. */
  get waitMs(): number {
    return this.#waitMs;
  }

  /** Takes a packet; gives what is now in order. */
  push(packet: RtpPacket, nowMs: number): Ordered[] {
    this.#next ??= packet.sequence;
    const ahead = (packet.sequence - this.#next) & 0xffff;
    // Behind the next one: a duplicate, or too late.
    if (ahead >= 0x8000) {
      this.#cameLate(packet.sequence, nowMs);
      return this.expire(nowMs);
    }
    if (ahead > MAX_AHEAD) {
      const lost = this.#held.size + 1;
      this.#held.clear();
      this.#gapSince = undefined;
      this.#next = (packet.sequence + 1) & 0xffff;
      return [{ lost }, { packet, arrivalMs: nowMs }];
    }
    this.#held.set(packet.sequence, { packet, arrivalMs: nowMs });
    const ready = this.#drain();
    if (ready.length > 1 && this.#gapSince !== undefined) this.#filled(nowMs - this.#gapSince);
    this.#gapSince = this.#held.size === 0 ? undefined : ready.length > 0 ? nowMs : (this.#gapSince ?? nowMs);
    return [...ready, ...this.expire(nowMs)];
  }

  /** Gives up holes that are older than the wait. */
  expire(nowMs: number): Ordered[] {
    if (this.#gapSince === undefined || nowMs - this.#gapSince < this.#waitMs || this.#next === undefined) return [];
    let lost = 0;
    while (!this.#held.has(this.#next)) {
      this.#givenUp.set(this.#next, this.#gapSince);
      this.#next = (this.#next + 1) & 0xffff;
      lost += 1;
    }
    for (const oldest of this.#givenUp.keys()) {
      if (this.#givenUp.size <= MOST_GIVEN_UP) break;
      this.#givenUp.delete(oldest);
    }
    const ready = this.#drain();
    this.#gapSince = this.#held.size === 0 ? undefined : nowMs;
    return [{ lost }, ...ready];
  }

  #cameLate(sequence: number, nowMs: number): void {
    const since = this.#givenUp.get(sequence);
    this.#givenUp.delete(sequence);
    // Numbers come again after 65,536 packets.
    if (since === undefined || nowMs - since > MOST_LATE_MS) return;
    this.#waitMs = Math.max(this.#waitMs, this.#enoughFor(nowMs - since));
  }

  #filled(afterMs: number): void {
    const enough = this.#enoughFor(afterMs);
    if (enough < this.#waitMs) this.#waitMs += SHORTENING * (enough - this.#waitMs);
  }

  #enoughFor(ms: number): number {
    return Math.min(this.#longestMs, Math.max(this.#shortestMs, PATIENCE.share * ms + PATIENCE.ms));
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
