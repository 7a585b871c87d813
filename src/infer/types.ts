import type { FrameFormat, FrameLayout } from '../shared/layout.js';

/** Execution providers a user can name. `auto` takes the best that loads and answers rightly. */
export const DEVICES = ['auto', 'cpu', 'cuda', 'tensorrt', 'webgpu', 'coreml', 'dml'] as const;
/** A device name as the user gives it. */
export type Device = (typeof DEVICES)[number];
/** A device that really runs a session. */
export type Provider = Exclude<Device, 'auto'>;

/** Numbers that a graph computes with. */
export const PRECISIONS = ['fp32', 'fp16', 'int8'] as const;
/** A precision, or `auto`: the model's first graph that is not int8. */
export type PrecisionChoice = 'auto' | (typeof PRECISIONS)[number];

/** How a model of somebody else takes and gives its tensors; adapter graphs translate. */
export interface TensorContract {
  readonly layout: 'nchw' | 'nhwc';
  readonly type: 'float32' | 'float16' | 'uint8';
  /** Value of white: 1 or 255. */
  readonly range: 1 | 255;
  /** Red, green and blue, these the other way round, or luma alone. */
  readonly channels: 'rgb' | 'bgr' | 'grey';
}

/** A file that ships. */
export interface PublishedFile {
  /** Absolute path. */
  readonly file: string;
  /** Hex sha256 the file must have. */
  readonly sha256: string;
}

/** One graph file of a model. */
export interface ModelVariant {
  /** Absolute path of the ONNX file. */
  readonly file: string;
  /** Raw frame format that the graph takes and gives. */
  readonly format: FrameFormat;
  readonly precision: (typeof PRECISIONS)[number];
  /** Hex sha256 the file must have; undefined for a user's own model. */
  readonly sha256?: string | undefined;
  /** The file beside the graph that holds its large weights, where these are not in the graph. */
  readonly weights?: PublishedFile | undefined;
  /** Set when the graph does not take raw frames itself. */
  readonly contract?: TensorContract | undefined;
  /** Absolute path of a graph that corrects whole frames after the model, from `source` and `target`; packed RGB only. */
  readonly finish?: string | undefined;
}

/** Size of the pictures that a graph takes, in pixels. */
export interface TileSides {
  readonly width: number;
  readonly height: number;
}

/** A model that can be opened: one that ships, or a user's ONNX file. */
export interface Model {
  /** Name for people, e.g. `tinysr-nano` or the file's base name. */
  readonly name: string;
  /** Enlargement of the graph. */
  readonly scale: 2 | 3 | 4;
  /** Width and height of a frame must be multiples of this; callers pad to it. */
  readonly multiple: number;
  /** Fixed input size in pixels, for graphs that take one size only: a number where both sides are equal. */
  readonly tile?: number | TileSides | undefined;
  /** Most whole frames a run, for graphs that take no more; undefined: any number. Tiles run one by one. */
  readonly batch?: number | undefined;
  /** How far, in input pixels, an output pixel sees; undefined when unknown. */
  readonly receptiveRadius?: number | undefined;
  /** Multiply-accumulates per input pixel, where known. */
  readonly macsPerLrPixel?: number | undefined;
  readonly params?: number | undefined;
  readonly licence?: string | undefined;
  /** Variants in order of preference; `rgb24` is always among them (for a foreign model, through adapter graphs). */
  readonly variants: readonly ModelVariant[];
}

/** What {@link createUpscaler} needs to know. Frame size and format are fixed for the life of an upscaler. */
export interface UpscalerOptions {
  readonly model: Model;
  readonly device: Device;
  /** Format of the frames that come in and go out; one of the model's variants. */
  readonly format: FrameFormat;
  /** Input frame width in pixels: a multiple of `model.multiple`, even for yuv420p formats, at least `model.tile`, to 16384. */
  readonly width: number;
  /** Input frame height in pixels, likewise. */
  readonly height: number;
  /** Most frames a run, 1..64; undefined: chosen by device and memory. `model.batch` is the limit where a model has one. */
  readonly batch?: number | undefined;
  /** CPU threads of all sessions, 1..256; undefined: as many as the machine has. */
  readonly threads?: number | undefined;
  /**
   * Whether the CPU's threads are shared among several sessions, so that as many batches run side by side: more frames a
   * second, and longer until each is done. Default false: all threads work on one batch.
   */
  readonly parallel?: boolean | undefined;
  /** Default `auto`. */
  readonly precision?: PrecisionChoice | undefined;
  /** Tile side in input pixels, to 16384; 0: never tile; undefined: tile only frames too large for memory. */
  readonly tile?: number | undefined;
  /** Stops the opening: the error is `TSR_INTERRUPTED`, its cause the signal's reason. An open upscaler is closed by `close`. */
  readonly signal?: AbortSignal | undefined;
}

/** Result of one run. Both buffers belong to the caller again. */
export interface UpscaleResult {
  /** `count` frames of the output layout, packed. */
  readonly output: ArrayBuffer;
  /** The input buffer, handed back for reuse. */
  readonly input: ArrayBuffer;
  /** Milliseconds the session ran, without queueing and transfers. */
  readonly runMs: number;
}

/** Open sessions in worker threads of their own. */
export interface Upscaler {
  readonly model: Model;
  /** The provider that runs. */
  readonly provider: Provider;
  /** The precision of the graph that runs. */
  readonly precision: ModelVariant['precision'];
  /** Layout of one input frame. */
  readonly input: FrameLayout;
  /** Layout of one output frame: `scale` times as wide and high. */
  readonly output: FrameLayout;
  /** Largest number of frames in one call of {@link upscale}. */
  readonly batch: number;
  /** Sessions that run side by side. */
  readonly sessions: number;
  /** Calls that should be under way at once to keep the device busy (2 a session: double buffering). */
  readonly concurrency: number;
  /** Tile side in use, in input pixels, the longer one of oblongs; undefined when whole frames run. */
  readonly tile: number | undefined;
  /**
   * Upscales `count` packed frames. The buffer is transferred to the worker (detached here) and comes back with the
   * result. Results come in the order of the calls; several may be under way.
   *
   * @param frames at least `count * input.bytes` bytes; its length is kept when it returns
   * @param count 1..batch
   * @throws TinySRError `TSR_USAGE` when the buffer holds no `count` frames or cannot be transferred, `TSR_INFER_FAILED` when
   * the run fails or the worker died, `TSR_OUT_OF_MEMORY`
   */
  upscale(frames: ArrayBuffer, count: number): Promise<UpscaleResult>;
  /** Ends the worker; runs under way are rejected, which is no unhandled rejection where nobody waits for them. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
