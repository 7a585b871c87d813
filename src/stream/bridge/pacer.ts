/** Lets at most so many frames a second pass, evenly. */
export class Pacer {
  #due = Number.NEGATIVE_INFINITY;

  /** @param timeMs the frame's own time, so that uneven arrival does not show */
  accepts(timeMs: number, maxFps: number | undefined): boolean {
    if (maxFps === undefined) return true;
    const interval = 1000 / maxFps;
    // A source of 30 frames a second has frames 33 and 34 ms apart: half a frame of tolerance keeps every second one.
    if (timeMs < this.#due - Math.min(8, interval / 4)) return false;
    // After a pause the count begins anew: frames that did not come are not made up for.
    this.#due = (timeMs - this.#due > interval ? timeMs : this.#due) + interval;
    return true;
  }

  /** Begins anew: times start again. */
  reset(): void {
    this.#due = Number.NEGATIVE_INFINITY;
  }
}
