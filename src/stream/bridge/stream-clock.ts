/** Ticks of a millisecond: RTP video runs at 90 kHz. */
const TICKS = 90;
/** A step that is longer, in ticks, or goes back, is a jump of the publisher's clock. */
const LONGEST_STEP = 10_000 * TICKS;
/** What a frame is taken to last before two have come, in ticks: 30 frames a second. */
const USUAL_STEP = 3000;

/**
 * Times of frames from their RTP timestamps, which wrap after 13 hours and may jump: rising milliseconds from 0, in which
 * a jump is a frame of the usual length.
 */
export class StreamClock {
  #last: number | undefined;
  #step = USUAL_STEP;
  #ticks = 0;
  #milliseconds = -1;

  /** The time of the next frame, of this timestamp (0..2^32-1). */
  milliseconds(timestamp: number): number {
    // Signed 32 bits: the shorter way around.
    const step = this.#last === undefined ? 0 : (timestamp - this.#last) | 0;
    const first = this.#last === undefined;
    this.#last = timestamp;
    if (!first) {
      const steady = step > 0 && step <= LONGEST_STEP;
      if (steady) this.#step = step;
      this.#ticks += steady ? step : this.#step;
    }
    this.#milliseconds = Math.max(this.#milliseconds + 1, Math.round(this.#ticks / TICKS));
    return this.#milliseconds;
  }
}
