/** Smallest side of a picture that is upscaled, in pixels. */
export const MIN_SIDE = 16;
/** Largest side of a decoded or encoded picture, in pixels. */
export const MAX_SIDE = 16_384;
/** Largest raw frame in bytes: ffmpeg leaves out larger blocks of the Matroska that frames reach the encoder in. */
export const MAX_FRAME_BYTES = 2 ** 28 - 16;
/** Largest number of pixels of a decoded or encoded picture: bounds what a hostile header can make us allocate. */
export const MAX_PIXELS = 16_384 * 8_640;
