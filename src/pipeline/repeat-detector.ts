/** Tells whether frames are the same bytes as those before: screen captures and animation hold pictures for long. */
export class RepeatDetector {
  readonly #last: Uint8Array;
  #length = -1;

  /** @param bytes the most that is looked at at once */
  constructor(bytes: number) {
    this.#last = new Uint8Array(bytes);
  }

  /** Compares with what the call before was given, and keeps a copy. */
  isRepeat(frames: Uint8Array): boolean {
    // Comparing ends at the first difference, so that moving pictures cost the copy only.
    if (frames.length === this.#length && Buffer.compare(frames, this.#last.subarray(0, this.#length)) === 0)
      return true;
    this.#last.set(frames);
    this.#length = frames.length;
    return false;
  }
}
