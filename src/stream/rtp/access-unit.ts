/** A coded picture as it came from the network. */
export interface AccessUnit {
  /** VP8 or VP9 frame, or H.264 NAL units with start codes. */
  readonly data: Buffer;
  readonly key: boolean;
  /** Picture size; key frames only. */
  readonly size: PictureSize | undefined;
  /** Ticks of 90 kHz. */
  readonly timestamp: number;
  /** When its last packet came, in milliseconds of `performance.now()`. */
  readonly arrivalMs: number;
}

/** Width and height in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** A codec's part of the work: from RTP payloads of one picture to the coded picture. */
export interface Depacketizer {
  /** Adds the payload of the picture's next packet; false when it makes no sense here. */
  add(payload: Buffer): boolean;
  /** The picture, and an empty start for the next; undefined when it is not whole. */
  take(): { readonly data: Buffer; readonly key: boolean; readonly size: PictureSize | undefined } | undefined;
  /** Forgets what was added. */
  reset(): void;
}
