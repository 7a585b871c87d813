/** A job that takes longer than it was expected to is ended when the budget is exceeded by this share of it. */
const OVERRUN = 0.08;
/** The shortest time that makes sense for a measuring process. */
const LEAST_MS = 500;

/** The time of a whole run, of which every phase takes its part. */
export class Budget {
  readonly #started = performance.now();
  readonly #wholeMs: number;
  readonly #timeoutMs: number;

  /**
   * @param wholeMs null: as long as it takes
   * @param timeoutMs no job may take longer than this, whatever is left
   */
  constructor(wholeMs: number | null, timeoutMs: number) {
    this.#wholeMs = wholeMs ?? Number.POSITIVE_INFINITY;
    this.#timeoutMs = timeoutMs;
  }

  /** Milliseconds since the run began. */
  get elapsedMs(): number {
    return performance.now() - this.#started;
  }

  /** Milliseconds left; infinite without a limit. */
  get leftMs(): number {
    return Math.max(0, this.#wholeMs - this.elapsedMs);
  }

  /** After how many milliseconds a job that begins now is ended, done or not. */
  allowedMs(): number {
    const end = this.#wholeMs * (1 + OVERRUN);
    return Math.max(LEAST_MS, Math.min(this.#timeoutMs, end - this.elapsedMs));
  }

  /** The same for a job without which there would be no result at all: a late one beats none. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }
}
