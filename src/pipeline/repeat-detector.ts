/**
 * Finds frames that are the same bytes as those before: screen captures and animation hold pictures for long. Only
 * pictures that differ stay in a batch, so that a held one costs no run, wherever in a batch it comes.
 */
export class RepeatDetector {
  readonly #bytes: number;
  /** The last picture seen; the buffer it was in has passed on. */
  readonly #last: Uint8Array;
  #any = false;

  /** @param bytes length of a frame */
  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#last = new Uint8Array(bytes);
  }

  /**
   * Moves the different pictures of a batch to its front, in order.
   *
   * @param frames the batch, changed
   * @returns for each frame the number of its picture in the batch; -1 is the last one of the batch before
   */
  distinct(frames: Uint8Array): number[] {
    const bytes = this.#bytes;
    const pictures: number[] = [];
    let kept = 0;
    for (let at = 0; at < frames.length; at += bytes) {
      const frame = frames.subarray(at, at + bytes);
      const before = kept > 0 ? frames.subarray((kept - 1) * bytes, kept * bytes) : this.#any ? this.#last : undefined;
      // Comparing ends at the first difference, so that moving pictures cost next to nothing.
      if (!before || Buffer.compare(frame, before) !== 0) {
        if (at > kept * bytes) frames.set(frame, kept * bytes);
        kept += 1;
      }
      pictures.push(kept - 1);
    }
    if (kept > 0) {
      this.#last.set(frames.subarray((kept - 1) * bytes, kept * bytes));
      this.#any = true;
    }
    return pictures;
  }
}
