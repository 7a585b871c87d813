import type { Codec } from '../encode/codecs.js';
import type { Steadiness } from '../encode/steady.js';
import type { Device, PrecisionChoice } from '../infer/types.js';
import type { UpscaleVideoOptions } from '../pipeline/options.js';
import type { DeinterlaceChoice, FieldOrderChoice } from '../shared/deinterlace.js';

/** Parsed options of the main command, keyed as OPTION_TABLE names them. */
export interface CliValues {
  readonly model?: string;
  readonly scale?: string;
  readonly width?: number;
  readonly height?: number;
  readonly depth?: '8' | '10' | '16';
  readonly deinterlace?: DeinterlaceChoice;
  readonly fieldOrder?: FieldOrderChoice;
  readonly compare?: boolean;
  readonly steady?: Steadiness;
  readonly preview?: number;
  readonly overwrite?: boolean;
  readonly outDir?: string;
  readonly ext?: string;
  readonly skipExisting?: boolean;
  readonly resume?: boolean;
  readonly codec?: Codec;
  readonly encoder?: string;
  readonly crf?: number;
  readonly preset?: string;
  readonly pixFmt?: string;
  readonly ffmpegArg?: readonly string[];
  readonly format?: 'matroska' | 'mp4';
  readonly fps?: string;
  readonly start?: number;
  readonly end?: number;
  readonly frames?: number;
  readonly strict?: boolean;
  readonly device?: Device;
  readonly precision?: PrecisionChoice;
  readonly threads?: number;
  readonly batch?: number;
  readonly tile?: number;
  readonly hwaccel?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

const DEPTHS = { '8': 8, '10': 10, '16': 16 } as const;

/** The library's options for one input and output. */
export function videoOptions(
  values: CliValues,
  input: string,
  output: string,
  signal: AbortSignal,
): UpscaleVideoOptions {
  const { scale, depth, pixFmt, ffmpegArg, ...same } = values;
  return {
    ...same,
    ...{ input, output, signal },
    scale: scale === undefined ? undefined : Number(scale),
    depth: depth === undefined ? undefined : DEPTHS[depth],
    pixelFormat: pixFmt,
    ffmpegArgs: ffmpegArg,
  };
}
