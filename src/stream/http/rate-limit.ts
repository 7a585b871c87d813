/** A bucket of tokens that fills steadily: so many at once, so many a second. */
export class RateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #at: number;

  constructor(burst: number, perSecond: number, nowMs: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
    this.#at = nowMs;
  }

  /** Takes a token. @returns false when there is none */
  take(nowMs: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#at) / 1000) * this.#perSecond);
    this.#at = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** Addresses that are remembered before those that have been quiet are forgotten. */
const MOST_ADDRESSES = 4096;

/** Clients of one network count as one: of IPv6, where everybody has a network, its first half. */
export function network(address: string): string {
  if (address.includes('.')) return address;
  const [before = '', after] = address.split('::').map((part) => part.split(':').filter(Boolean)) as [
    string[],
    string[]?,
  ];
  const zeros = after ? Array<string>(8 - before.length - after.length).fill('0') : [];
  return [...before, ...zeros, ...(after ?? [])].slice(0, 4).join(':');
}

/** A bucket for each address, so that one who asks too much locks nobody else out. */
export class AddressRateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #limits = new Map<string, { readonly limit: RateLimit; usedMs: number }>();

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** Takes a token of this address. @returns false when there is none */
  take(address: string | undefined, nowMs: number): boolean {
    const key = network(address ?? '');
    const known = this.#limits.get(key);
    const entry = known ?? { limit: new RateLimit(this.#burst, this.#perSecond, nowMs), usedMs: nowMs };
    entry.usedMs = nowMs;
    if (!known) {
      if (this.#limits.size >= MOST_ADDRESSES) this.#forget(nowMs);
      this.#limits.set(key, entry);
    }
    return entry.limit.take(nowMs);
  }

  /** Leaves out whose bucket is full again; where that is nobody, all. */
  #forget(nowMs: number): void {
    const refillMs = (this.#burst / this.#perSecond) * 1000;
    for (const [key, { usedMs }] of this.#limits) if (nowMs - usedMs >= refillMs) this.#limits.delete(key);
    if (this.#limits.size >= MOST_ADDRESSES) this.#limits.clear();
  }
}
