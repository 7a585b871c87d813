import type { Codec } from '../encode/codecs.js';
import type { Steadiness } from '../encode/steady.js';
import type { Device, PrecisionChoice } from '../infer/types.js';
import type { DeinterlaceChoice, FieldOrderChoice } from '../shared/deinterlace.js';

/** Bits of a sample; 16 are for pictures. */
export type Depth = 8 | 10 | 16;

/** What decides how frames are upscaled, for videos and previews alike. */
export interface UpscaleOptions {
  /** Path of the source: a video, a picture, or numbered pictures by their pattern (`frames/%06d.png`). */
  readonly input: string;
  /** Frames a second of numbered pictures: `24`, `23.976`, `'24000/1001'`; default 25. */
  readonly fps?: number | string | undefined;
  /** Replace an existing output. */
  readonly overwrite?: boolean | undefined;
  /** Name of a shipped model or path of an ONNX file; default `tinysr-nano`. */
  readonly model?: string | undefined;
  /** Where inference runs; default `auto`. */
  readonly device?: Device | undefined;
  /** Enlargement 2, 3 or 4; default: the model's own. */
  readonly scale?: number | undefined;
  /** Output width in pixels; with only one side given, the other keeps the shape. */
  readonly width?: number | undefined;
  /** Output height in pixels. */
  readonly height?: number | undefined;
  /**
   * Bits of a sample: 8 or 10 of a video, 8 or 16 of pictures; default: 8, 10 for HDR sources, and for pictures 16 where
   * the source has more than 8.
   */
  readonly depth?: Depth | undefined;
  /**
   * What is done with interlaced frames. `auto` (default): one picture of each frame that the file marks as interlaced;
   * `frame`: of every frame, marked or not; `field`: one of each field, at twice the rate; `film`: those of the film that was
   * brought to 30 frames a second by repeating fields (telecine), at four fifths of the rate; `off`: nothing.
   */
  readonly deinterlace?: DeinterlaceChoice | undefined;
  /** Which field of a frame was taken first; default `auto`: as the file says, the top one where it does not. */
  readonly fieldOrder?: FieldOrderChoice | undefined;
  /** ffmpeg hardware decoder: `none`, `auto` or a name; default `none`. */
  readonly hwaccel?: string | undefined;
  /** Frames a run; default: by device and memory. */
  readonly batch?: number | undefined;
  /** Tile side in source pixels, 0 for never; default: only when frames do not fit the memory. */
  readonly tile?: number | undefined;
  /** Numbers that the model computes with; default `auto`: fp32 of the models that ship. */
  readonly precision?: PrecisionChoice | undefined;
  /** CPU threads of inference; default: all cores. */
  readonly threads?: number | undefined;
  /** Show the source in the left half. */
  readonly compare?: boolean | undefined;
  /** Stops the work; the error is `TSR_INTERRUPTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** What to upscale and how to write it. */
export interface UpscaleVideoOptions extends UpscaleOptions {
  /** Path of the result, `-` for stdout, a picture (`.png`, `.jpg` …) or numbered pictures by a pattern (`out/%06d.png`). */
  readonly output: string;
  /** Container for stdout: `matroska` (default) or `mp4` (fragmented). */
  readonly format?: 'matroska' | 'mp4' | undefined;
  /** Video codec; default: the container's first, hevc for HDR. */
  readonly codec?: Codec | undefined;
  /** ffmpeg encoder, for example `hevc_nvenc`; default: the best software encoder of the codec. */
  readonly encoder?: string | undefined;
  /** Quality on the encoder's scale: lower is better. Of JPEG 1 to 31 (default 2), of WebP 0 (lossless) to 63 (default 5). */
  readonly crf?: number | undefined;
  /** Speed on the encoder's scale. */
  readonly preset?: string | undefined;
  /** ffmpeg pixel format of the output. */
  readonly pixelFormat?: string | undefined;
  /** Further ffmpeg output options. */
  readonly ffmpegArgs?: readonly string[] | undefined;
  /** Averages away, over neighbouring frames, what flickers where nothing moves: `light` or `strong`; default: not. */
  readonly steady?: Steadiness | undefined;
  /** Seconds from the start at which to begin. */
  readonly start?: number | undefined;
  /** Seconds from the start at which to end. */
  readonly end?: number | undefined;
  /** Pictures of the output to stop after. */
  readonly frames?: number | undefined;
  /** Damaged input is an error. */
  readonly strict?: boolean | undefined;
  /** Keep what is done in a folder beside the output when the work is stopped, and go on from there. */
  readonly resume?: boolean | undefined;
  /**
   * With `resume`: frames after which a piece is finished for good (at the end of a batch); default: a minute's work,
   * 50 frames at least. What is not finished when a run is killed is done again.
   */
  readonly segmentFrames?: number | undefined;
}

/** One upscaled frame as a PNG. */
export interface PreviewOptions extends UpscaleOptions {
  /** Path of the PNG. */
  readonly output: string;
  /** Number of the picture, from 0: the frame's, or with `deinterlace: 'field'` that of the field. */
  readonly frame: number;
}
