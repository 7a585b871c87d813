import { TinySRError } from './errors.js';

/**
 * Raw frame formats that cross the pipes, named as ffmpeg names its pixel formats.
 * `rgb24` and `rgb48le` are interleaved; the yuv420p family is planar Y, U, V with chroma halved both ways.
 */
export const FRAME_FORMATS = ['rgb24', 'rgb48le', 'yuv420p', 'yuv420p10le'] as const;
/** One of {@link FRAME_FORMATS}. */
export type FrameFormat = (typeof FRAME_FORMATS)[number];

/** One plane of a raw frame, in bytes from the start of the frame. */
export interface PlaneLayout {
  /** First byte of the plane. */
  readonly offset: number;
  /** Bytes from one row to the next; rows are packed. */
  readonly stride: number;
  /** Rows of the plane. */
  readonly rows: number;
  /** Bytes of one sample position (3 for rgb24). */
  readonly pixelBytes: number;
  /** log2 of how much smaller the plane is than the picture, both ways: 0 or 1. */
  readonly shift: number;
}

/** Where the bytes of one raw frame lie. */
export interface FrameLayout {
  readonly format: FrameFormat;
  /** Picture width in pixels. */
  readonly width: number;
  /** Picture height in pixels. */
  readonly height: number;
  /** Bytes of one frame, all planes. */
  readonly bytes: number;
  readonly planes: readonly PlaneLayout[];
}

/** Whether the format stores chroma at half size, so that width and height must be even. */
export function isSubsampled(format: FrameFormat): boolean {
  return format === 'yuv420p' || format === 'yuv420p10le';
}

/** Bytes of one sample: 1 for 8-bit formats, 2 for the others. */
export function sampleBytes(format: FrameFormat): 1 | 2 {
  return format === 'rgb24' || format === 'yuv420p' ? 1 : 2;
}

/**
 * Layout of a packed raw frame as ffmpeg's rawvideo writes it.
 *
 * @param width picture width in pixels; even for yuv420p formats
 * @param height picture height in pixels; even for yuv420p formats
 * @throws TinySRError `TSR_USAGE` for a format that is none, and when a dimension is not a positive integer, or odd where the
 *   format needs it even
 */
export function frameLayout(format: FrameFormat, width: number, height: number): FrameLayout {
  const refuse = (message: string) =>
    new TinySRError('TSR_USAGE', message, { hint: "For example: frameLayout('rgb24', 480, 270)." });
  if (!FRAME_FORMATS.includes(format)) throw refuse(`${format} is no frame format: one of ${FRAME_FORMATS.join(', ')}`);
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw refuse(`width and height must be positive integers, got ${width}x${height}`);
  }
  const bytes = sampleBytes(format);
  if (!isSubsampled(format)) {
    const stride = width * 3 * bytes;
    const plane = { offset: 0, stride, rows: height, pixelBytes: 3 * bytes, shift: 0 };
    return { format, width, height, bytes: stride * height, planes: [plane] };
  }
  if (width % 2 || height % 2) throw refuse(`${format} needs an even width and height, got ${width}x${height}`);
  const luma = { offset: 0, stride: width * bytes, rows: height, pixelBytes: bytes, shift: 0 };
  const chromaStride = (width / 2) * bytes;
  const chromaRows = height / 2;
  const u = { offset: luma.stride * height, stride: chromaStride, rows: chromaRows, pixelBytes: bytes, shift: 1 };
  const v = { ...u, offset: u.offset + chromaStride * chromaRows };
  return { format, width, height, bytes: v.offset + chromaStride * chromaRows, planes: [luma, u, v] };
}
