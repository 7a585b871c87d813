/** Fills given buffers with what comes from a decoder; what comes while nobody asks waits outside. */
export interface FrameReader {
  /**
   * Fills `target`; one call at a time.
   *
   * @returns the bytes filled: less than `target.length` only at the end of the stream
   * @throws the stream's own error
   */
  fill(target: Uint8Array): Promise<number>;
}
