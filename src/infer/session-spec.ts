import type { FrameFormat } from '../shared/layout.js';
import type { Provider, TensorContract } from './types.js';

/** Everything a worker needs to open a session; crosses threads by structured clone. */
export interface SessionSpec {
  readonly file: string;
  readonly provider: Provider;
  readonly contract: TensorContract | undefined;
  /** Graph that corrects whole frames after the model. */
  readonly finish?: string | undefined;
  readonly format: FrameFormat;
  /** Input frame size in pixels. */
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly threads: number;
  /** Tile sides in input pixels; undefined: whole frames. */
  readonly tile: TileSpec | undefined;
  /** Run the graph without optimisations: a reference to check others against. */
  readonly asWritten?: boolean;
}

/** How frames are cut. All in input pixels. */
export interface TileSpec {
  readonly width: number;
  readonly height: number;
  /** Pixels at a tile's inner edge whose result is not right, as the tile ends there. */
  readonly margin: number;
  /** Width of the zone over which two tiles are mixed. */
  readonly feather: number;
}

/** Messages to an inference worker. */
export type WorkerRequest =
  | {
      readonly kind: 'open';
      readonly spec: SessionSpec;
      /** One number, shared by all sessions of a device that takes one thread at a time; undefined: it takes more. */
      readonly lock: Int32Array<SharedArrayBuffer> | undefined;
    }
  | { readonly kind: 'run'; readonly id: number; readonly frames: ArrayBuffer; readonly count: number }
  | { readonly kind: 'close' };

/** Messages from an inference worker. */
export type WorkerReply =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'done';
      readonly id: number;
      readonly output: ArrayBuffer;
      readonly input: ArrayBuffer;
      readonly runMs: number;
    }
  | { readonly kind: 'failed'; readonly id: number | undefined; readonly message: string };
