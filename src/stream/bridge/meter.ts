/** A rate over the last seconds. */
export class RateMeter {
  readonly #windowMs: number;
  #times: number[] = [];
  #total = 0;

  constructor(windowMs = 2000) {
    this.#windowMs = windowMs;
  }

  /** Counts one. */
  add(nowMs: number): void {
    this.#total += 1;
    this.#times.push(nowMs);
    this.#trim(nowMs);
  }

  /** How many since the start. */
  get total(): number {
    return this.#total;
  }

  /** How many a second. */
  rate(nowMs: number): number {
    this.#trim(nowMs);
    const first = this.#times[0];
    if (first === undefined || this.#times.length < 2) return 0;
    return ((this.#times.length - 1) * 1000) / Math.max(1, Math.max(nowMs - first, this.#windowMs / 4));
  }

  #trim(nowMs: number): void {
    const keep = this.#times.findIndex((time) => nowMs - time <= this.#windowMs);
    if (keep > 0) this.#times.splice(0, keep);
    else if (keep < 0) this.#times = [];
  }
}

/** The last values of a measure. */
export class Samples {
  readonly #size: number;
  #values: number[] = [];

  constructor(size = 120) {
    this.#size = size;
  }

  /** Adds a value. */
  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > this.#size) this.#values.shift();
  }

  /** How many values there are. */
  get count(): number {
    return this.#values.length;
  }

  /** The value that this share of the last `count` values does not exceed; 0 without values. */
  quantile(share: number, count = this.#size): number {
    const sorted = this.#values.slice(-count).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }

  /** Forgets all values. */
  clear(): void {
    this.#values = [];
  }
}
