import type { Provider } from '../../infer/types.js';
import type { Measured } from '../statistics.js';
import type { BenchSize } from '../types.js';

/** What `bench --stream` is asked. */
export interface StreamOptions {
  /** Frames a second of the source; each is measured. */
  readonly fps: readonly number[];
  /** Seconds of each measurement; undefined: the mode's own. */
  readonly seconds: number | undefined;
}

/** How hard the bridge worked from some moment on. */
export interface StreamLevel {
  /** Seconds from the first packet. */
  readonly at: number;
  readonly model: string;
  /** Frames a second that the governor lets pass; null: all. */
  readonly maxFps: number | null;
  /** Share of the full size that the model is given. */
  readonly sizeShare: number;
  /** Size the model is given, as `WxH`. */
  readonly work: string;
  /** Size of the upscaled stream, as `WxH`. */
  readonly output: string;
}

/** An upscaled picture that went out. */
export interface StreamPicture {
  /** Seconds from the first packet. */
  readonly at: number;
  /** Milliseconds since its source frame was due at the bridge. */
  readonly ageMs: number;
}

/** The live path with one source. Rates, ages and counts are those of the last part of the run. */
export interface StreamRow {
  /** The model asked for; what it settled at is in `levels`. */
  readonly model: string;
  readonly provider: Provider;
  readonly size: BenchSize;
  /** Frames a second of the source. */
  readonly sourceFps: number;
  /** Why there is no result; null when there is one. */
  readonly error: string | null;
  readonly basis: 'measured';
  /** Seconds of the whole run. */
  readonly seconds: number;
  /** Seconds of the last part, which is measured. */
  readonly windowSeconds: number;
  /** Frames a second that came in. */
  readonly fpsIn: number;
  /** Frames a second that went out, by quarters of the last part. */
  readonly fps: Measured;
  readonly ageMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** The age that the governor keeps. */
  readonly targetMs: number;
  readonly framesIn: number;
  readonly framesOut: number;
  /** Frames displaced by newer ones before the model was free. */
  readonly displaced: number;
  /** Frames left out to hold the governor's rate. */
  readonly paced: number;
  /** Times that decoder, session or encoder failed and were opened again, in the whole run. */
  readonly failures: number;
  /** Milliseconds from the first packet to the first upscaled picture. */
  readonly firstPictureMs: number;
  /** Whether the governor's level stayed the same throughout the last part. */
  readonly settled: boolean;
  /** The levels in order; the last is where the governor settled. */
  readonly levels: readonly StreamLevel[];
  /** Pictures of the whole run, thinned. */
  readonly pictures: readonly StreamPicture[];
  /** Peak resident memory of the Node process and its ffmpegs together. */
  readonly peakRssBytes: number;
}

/** What the measuring process of a live path is asked; crosses processes as JSON. */
export interface StreamRequest {
  /** The model's name. */
  readonly model: string;
  /** What it is found by: the same, or the path of an ONNX file. */
  readonly reference: string;
  readonly provider: Provider;
  readonly threads: number | undefined;
  readonly size: BenchSize;
  readonly fps: number;
  /** The coded clip, as {@link makeLiveClip} makes it. */
  readonly clip: string;
  readonly seconds: number;
  readonly windowSeconds: number;
}
