import type { DeviceReport } from '../infer/providers.js';
import type { Device, Model, Provider } from '../infer/types.js';
import type { Stage } from '../pipeline/progress.js';
import type { ErrorCode } from '../shared/errors.js';
import type { Machine } from './machine.js';
import type { Measured } from './statistics.js';
import type { StreamOptions, StreamRow } from './stream/types.js';

/** How much time a run may take. */
export type BenchMode = 'quick' | 'default' | 'full';

/** An input size. */
export interface BenchSize {
  /** `270p`, or `WxH` for others. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

/** What {@link runBench} measures. */
export interface BenchOptions {
  readonly mode: BenchMode;
  /** Names of models that ship, or paths of ONNX files; undefined: all (in quick mode the first). */
  readonly models: readonly string[] | undefined;
  /** Paths of other ONNX models. */
  readonly peers: readonly string[];
  /** Devices to measure; undefined: all that can be used. */
  readonly devices: readonly Device[] | undefined;
  /** Sizes; undefined: the mode's own. Ignored with `input`. */
  readonly sizes: readonly BenchSize[] | undefined;
  /** A video to measure with instead of synthetic pictures. */
  readonly input: string | undefined;
  readonly batch: number | undefined;
  readonly threads: number | undefined;
  /** Milliseconds that the whole run may take; null: as long as it takes; undefined: the mode's own. */
  readonly budgetMs?: number | null | undefined;
  /** Measure the live path instead of files. */
  readonly stream?: StreamOptions | undefined;
}

/**
 * How a number came about: by repeated runs; from one run, or for a line from its stages; or scaled by the number of
 * pixels from another size. The last two are predictions.
 */
export type Basis = 'measured' | 'one-frame' | 'scaled';

/** Whether a device's picture is right. */
export interface ResultCheck {
  readonly ok: boolean;
  /** Largest difference in levels of 255 from the CPU running the graph as written; null when that would take long. */
  readonly maxDifference: number | null;
  /** PSNR in dB of the result, averaged down to the input's size, against the input: garbage is far below 20. */
  readonly fidelityDb: number;
}

interface Row {
  readonly model: string;
  readonly provider: Provider;
  readonly size: BenchSize;
  /** Why there is no result; null when there is one. */
  readonly error: string | null;
}

/** Inference alone at one size. */
export interface InferRow extends Row {
  readonly basis: Basis;
  readonly format: string;
  readonly outputWidth: number;
  readonly outputHeight: number;
  readonly batch: number;
  /** Tile side in input pixels; null when whole frames run. */
  readonly tile: number | null;
  readonly threads: number;
  /** Sessions side by side, which share the threads. */
  readonly sessions: number;
  /** Frames a second; two batches a session under way. */
  readonly fps: Measured;
  /** Milliseconds of one run of a batch in one session, without queueing. */
  readonly latencyMs: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly samples: readonly number[];
  };
  /** Milliseconds until the session was open. */
  readonly openMs: number;
  /** Milliseconds of the first run, where runtimes compile and allocate. */
  readonly firstRunMs: number;
  /** CPU-seconds a frame of the whole process; null where it cannot be told. */
  readonly cpuSecondsPerFrame: number | null;
  /** Peak resident memory of a process that only runs this; null for a scaled row, as it does not grow with pixels alone. */
  readonly peakRssBytes: number | null;
  /** Memory taken on the device; null where it cannot be read. */
  readonly deviceMemoryBytes: number | null;
  /** Milliseconds a frame to and from the device; null where the runtime does not show them. */
  readonly uploadMs: number | null;
  readonly downloadMs: number | null;
  /** Null for a scaled row, whose result was right at the size it was scaled from. */
  readonly check: ResultCheck | null;
}

/** One stage run by itself. */
export interface StageRate {
  /** Frames a second. */
  readonly fps: number;
  /** CPU-seconds a frame, ffmpeg's and Node's; null where they cannot be told. */
  readonly cpuSecondsPerFrame: number | null;
}

/** A stretch of work in the line. */
export interface TimelineEntry {
  readonly stage: Stage;
  /** Number of the batch, from 0. */
  readonly batch: number;
  /** Milliseconds from the first read. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** The whole line at one size: decode, infer, encode. */
export interface PipelineRow extends Row {
  readonly basis: Basis;
  readonly format: string;
  readonly outputWidth: number;
  readonly outputHeight: number;
  readonly encoder: string;
  /** Frames that went through the line. */
  readonly frames: number;
  /** Frames a second from the first read to the finished file. */
  readonly fps: Measured;
  readonly stages: Readonly<Record<Stage, StageRate>>;
  /** The stage that alone is slowest. */
  readonly slowest: Stage;
  /** CPU-seconds a frame of the running line; null where they cannot be told. */
  readonly cpuSecondsPerFrame: number | null;
  /**
   * 1 when nothing waits. Where all stages share the CPU: fps x (sum of the stages' CPU-seconds a frame) / cores; else
   * end-to-end fps / slowest stage's fps. Null for a prediction.
   */
  readonly overlapEfficiency: number | null;
  readonly efficiencyBasis: 'cpu' | 'slowest-stage';
  readonly realTime: { readonly 24: boolean; readonly 30: boolean; readonly 60: boolean };
  /** Peak resident memory of the Node process, with the ffmpeg processes' added where they can be read; null for a prediction. */
  readonly peakRssBytes: number | null;
  /** Milliseconds from opening the line to the first frame taken by the encoder. */
  readonly firstFrameMs: number | null;
  /** A stretch from the middle. */
  readonly timeline: readonly TimelineEntry[];
}

/** A model as far as results tell of it. */
export interface BenchModel {
  readonly name: string;
  readonly shipped: boolean;
  readonly params: number | null;
  readonly macsPerLrPixel: number | null;
  /** Scores by track (`bicubic`, `degraded` …) as the manifest has them; null when none are known. */
  readonly quality: Readonly<Record<string, Readonly<Record<string, number>>>> | null;
}

/** Everything a run found; what `--json` prints. */
export interface BenchResult {
  readonly schema: 'tinysr-video-bench/1';
  readonly mode: BenchMode;
  /** ISO 8601. */
  readonly date: string;
  readonly seconds: number;
  readonly machine: Machine;
  /** `synthetic`, or the path of the input. */
  readonly input: string;
  readonly devices: readonly DeviceReport[];
  readonly models: readonly BenchModel[];
  readonly infer: readonly InferRow[];
  readonly pipeline: readonly PipelineRow[];
  /** The live path; empty unless asked for, and then alone. */
  readonly stream: readonly StreamRow[];
}

/** Told while a benchmark runs. */
export type BenchEvent =
  | { readonly type: 'prepare'; readonly leftSeconds: number | null }
  | {
      readonly type: 'cell';
      readonly label: string;
      readonly number: number;
      /** As many as are going to be measured, by what is known so far. */
      readonly total: number;
      /** Seconds until the end of the run; null while nobody can tell. */
      readonly leftSeconds: number | null;
    }
  | { readonly type: 'infer'; readonly row: InferRow }
  | { readonly type: 'pipeline'; readonly row: PipelineRow }
  | { readonly type: 'stream'; readonly row: StreamRow }
  | { readonly type: 'warning'; readonly message: string };

/** What a measuring process is asked; crosses processes as JSON. */
export interface CellRequest {
  /** `stages`: inference, decoding and encoding, each by itself; `line`: all of them as one line. */
  readonly what: 'stages' | 'line';
  readonly model: Model;
  readonly provider: Provider;
  readonly size: BenchSize;
  /** The clip of this size. */
  readonly clip: string;
  /** Folder for intermediate files. */
  readonly scratch: string;
  readonly batch: number | undefined;
  readonly threads: number | undefined;
  /** For `stages`: seconds to measure each for. */
  readonly seconds: number;
  /** For `stages`: different frames to run and encode at most; more are taken again. */
  readonly pictures: number;
  /** For `stages`: the clip begins anew after so many frames, so that the encoder may too; else it goes to and fro. */
  readonly wraps: boolean;
  /** For `stages`: a first run longer than this many milliseconds stays the only one; null: no limit. */
  readonly longRunMs: number | null;
  /** For `line`: frames of one repeat. */
  readonly frames: number;
  /** For `line`: how often. */
  readonly repeats: number;
}

/** The stages by themselves. */
export interface StagesResult {
  readonly infer: InferRow;
  readonly decode: StageRate;
  readonly encode: StageRate;
  readonly encoder: string;
  /** Milliseconds of running the graph as written, to check the result; 0 when that was left out. */
  readonly checkMs: number;
}

/** The line as a whole. */
export interface LineResult {
  readonly frames: number;
  readonly fps: Measured;
  readonly cpuSecondsPerFrame: number | null;
  readonly peakRssBytes: number;
  readonly firstFrameMs: number;
  readonly timeline: readonly TimelineEntry[];
}

/** What a measuring process answers. */
export type CellReply =
  | { readonly kind: 'stages'; readonly result: StagesResult }
  | { readonly kind: 'line'; readonly result: LineResult }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };
