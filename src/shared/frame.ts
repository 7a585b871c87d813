/** A batch of raw frames in one buffer, packed one after the other. The holder owns the buffer. */
export interface FrameBatch {
  readonly buffer: ArrayBuffer;
  /** Frames in the buffer. */
  readonly count: number;
  /** Presentation time of each frame in nanoseconds on the output's clock. */
  readonly ptsNs: readonly bigint[];
  /** Number of the first frame, from 0. */
  readonly first: number;
}
