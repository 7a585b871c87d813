import type { ModelVariant, Provider } from '../infer/types.js';

/** Parts of the line. */
export type Stage = 'decode' | 'infer' | 'encode';

/** Told once, when everything is open and the first frame is about to be read. */
export interface StartEvent {
  readonly type: 'start';
  readonly input: string;
  readonly output: string;
  readonly model: string;
  readonly provider: Provider;
  /** Numbers that the model computes with. */
  readonly precision: ModelVariant['precision'];
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  readonly width: number;
  readonly height: number;
  readonly encoder: string;
  /** Raw format of the frames that cross the pipes. */
  readonly frameFormat: string;
  readonly batch: number;
  /** Tile side in source pixels; null when whole frames run. */
  readonly tile: number | null;
  /** Frames expected; null when the source does not say. */
  readonly totalFrames: number | null;
  /** Frames that earlier runs of the same command have finished, with `resume`; 0 where this one begins at the first. */
  readonly resumedFrom: number;
}

/** Told several times a second while frames come out. */
export interface FramesEvent {
  readonly type: 'progress';
  /** Frames handed to the encoder, those of earlier runs included. */
  readonly frames: number;
  readonly totalFrames: number | null;
  /** Frames a second since the start, of this run. */
  readonly fps: number;
  /** Seconds of video a second; 1 is real time. */
  readonly speed: number;
  /** Seconds to go; null when unknown. */
  readonly etaSeconds: number | null;
  /** The stage that the others wait for. */
  readonly slowest: Stage;
}

/** Told with `resume` several times a second after the last frame, while the finished pieces become one video. */
export interface JoiningEvent {
  readonly type: 'joining';
  /** Bytes of the pieces that have been joined. */
  readonly bytes: number;
  readonly totalBytes: number;
  /** Seconds to go; null when unknown. */
  readonly etaSeconds: number | null;
}

/** Something the user should know; the work goes on. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly message: string;
}

/** Told once, at the end. */
export interface DoneEvent {
  readonly type: 'done';
  readonly output: string;
  /** Frames of the output. */
  readonly frames: number;
  /** Those of them that earlier runs had finished. */
  readonly resumedFrom: number;
  /** Wall-clock seconds from the first read to the finished file. */
  readonly seconds: number;
  /** Frames a second of this run. */
  readonly fps: number;
  readonly speed: number;
  /** Milliseconds a frame that each stage was waited for (decode, encode) or ran (infer). */
  readonly stageMs: Readonly<Record<Stage, number>>;
  /** Damaged places met in the source: in its picture, and in tracks that were converted. */
  readonly damaged: number;
}

/** What {@link upscaleVideo} tells while it works. */
export type Progress = StartEvent | FramesEvent | JoiningEvent | WarningEvent | DoneEvent;
