import { isRgbOutput, matrixTag } from '../shared/color.js';
import { deinterlaceFilters } from '../shared/deinterlace.js';
import { isSubsampled } from '../shared/layout.js';
import { formatRational, rationalValue } from '../shared/rational.js';
import type { EncodePlan } from './plan.js';
import { steadyFilter } from './steady.js';

/** Flags of swscale for what is looked at. */
export const QUALITY = 'flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp';

/** Whether a pixel format needs an even width, and an even height. */
function evenSides(pixelFormat: string): { readonly width: boolean; readonly height: boolean } {
  const both = /420|nv12|nv21|p010/.test(pixelFormat);
  return { width: both || /422|nv16|p210/.test(pixelFormat), height: both };
}

/** Repeats the last column or row of an odd picture, so that chroma subsampling loses nothing of it. */
function evenPadding(plan: EncodePlan): string[] {
  const even = evenSides(plan.pixelFormat);
  const right = 'split[ra][rb];[rb]crop=1:ih:iw-1:0[rc];[ra][rc]hstack';
  const bottom = 'split[ba][bb];[bb]crop=iw:1:0:ih-1[bc];[ba][bc]vstack';
  return [...(even.width && plan.width % 2 ? [right] : []), ...(even.height && plan.height % 2 ? [bottom] : [])];
}

/** Size of the encoded picture: the output's, rounded up to what its pixel format can hold. */
export function encodedSize(plan: EncodePlan): { readonly width: number; readonly height: number } {
  const even = evenSides(plan.pixelFormat);
  const up = (length: number, needed: boolean) => (needed ? length + (length % 2) : length);
  return { width: up(plan.width, even.width), height: up(plan.height, even.height) };
}

function toOutputColor(plan: EncodePlan): string[] {
  if (isRgbOutput(plan.pixelFormat)) return [`format=${plan.pixelFormat}`];
  const range = plan.fullRange ? 'pc' : 'tv';
  if (isSubsampled(plan.frame.format)) return [`format=${plan.pixelFormat}`];
  // Odd pictures are padded while they are RGB, where a row is a row.
  const convert = `scale=${QUALITY}:out_color_matrix=${plan.matrix}:in_range=pc:out_range=${range}`;
  return [...evenPadding(plan), convert, `format=${plan.pixelFormat}`];
}

/** Full chroma for 4:2:0 frames that become odd pictures: a column of them could not be cut or repeated otherwise. */
function fullChroma({ frame, width, height }: EncodePlan): string[] {
  const odd = width % 2 === 1 || height % 2 === 1;
  return odd && isSubsampled(frame.format) ? [`format=${frame.format.replace('420', '444')}`] : [];
}

/** Crops the padding off, resamples to the output size; steadies the pictures where that is asked for. */
export function toOutputSize(plan: EncodePlan): string[] {
  const { frame, picture, width, height } = plan;
  const cropped = picture.width !== frame.width || picture.height !== frame.height;
  const resized = picture.width !== width || picture.height !== height;
  return [
    ...(cropped ? [`crop=${picture.width}:${picture.height}:0:0:exact=1`] : []),
    ...(resized ? [`scale=${width}:${height}:${QUALITY}`] : []),
    ...(plan.steady === undefined ? [] : [steadyFilter(plan.steady)]),
    ...fullChroma(plan),
  ];
}

function marks(plan: EncodePlan): string[] {
  const { color } = plan;
  const parameters = [
    `range=${plan.fullRange ? 'pc' : 'tv'}`,
    ...(color.matrix ? [`colorspace=${color.matrix}`] : []),
    ...(color.primaries ? [`color_primaries=${color.primaries}`] : []),
    ...(color.transfer ? [`color_trc=${color.transfer}`] : []),
  ];
  return [
    ...(isRgbOutput(plan.pixelFormat) ? [] : [`setparams=${parameters.join(':')}`]),
    // Without a limit of its own, the filter would round to parts of a hundred.
    `setsar=${formatRational(plan.sampleAspectRatio)}:max=65535`,
  ];
}

const hardwareUpload = (encoder: string) => (encoder.endsWith('_vaapi') ? ['hwupload'] : []);

/** Columns of the line between before and after. */
const DIVIDER = 2;

/**
 * The before|after picture: `[before]` enlarged by bicubic in the left half, `[after]` in the right, a white line
 * between.
 *
 * @param timeBase both inputs' timestamps are rounded to it, so that frames meet their own; undefined for a still
 */
export function compareFilters(width: number, height: number, toSize: readonly string[], timeBase?: string): string[] {
  const clock = timeBase === undefined ? [] : [`settb=${timeBase}`];
  const half = Math.max(2, 2 * Math.round(width / 4));
  const left = Math.max(0, half - DIVIDER);
  const before = [
    ...clock,
    `scale=${width}:${height}:flags=bicubic+accurate_rnd+full_chroma_int`,
    `crop=${half}:${height}:0:0`,
  ];
  return [
    `[before]${[...before, `drawbox=x=${left}:y=0:w=${DIVIDER}:h=ih:color=white:t=fill`, 'setsar=1', 'format=gbrp'].join(',')}[left]`,
    `[after]${[...clock, ...toSize, 'setsar=1', 'format=gbrp'].join(',')}[right]`,
    '[right][left]overlay=0:0:format=gbrp:eof_action=pass:shortest=0',
  ];
}

/** How the source itself is read beside the frames, for the left half of a comparison. */
export interface SourceReading {
  /** Seconds that are added to its times. */
  readonly shift: number;
  /** Whether it is read from somewhere on, and not from its beginning. */
  readonly sought: boolean;
}

/** Whole pictures of the source's frames. */
function sourcePictures({ source, deinterlacing }: EncodePlan, { shift, sought }: SourceReading): string[] {
  const { video } = source;
  const origin = video.startTime === undefined ? undefined : video.startTime + shift;
  const made = deinterlaceFilters(video, deinterlacing, { origin, sought });
  const film = deinterlacing?.pulldown?.film;
  // Its times are rounded apart from those of the frames: earlier by a part of a picture, each still meets its own.
  return film ? [...made, `setpts=PTS-${0.25 / rationalValue(film)}/TB`] : made;
}

/**
 * The filter graph from frames (input 0) to what the encoder takes, ending in `[video]`.
 *
 * @param reading of the source, for a comparison
 */
export function encodeFilters(plan: EncodePlan, reading: SourceReading): string {
  const end = [...marks(plan), ...hardwareUpload(plan.encoder)];
  if (!plan.compare) {
    const yuvPadding = isSubsampled(plan.frame.format) ? evenPadding(plan) : [];
    return `[0:v:0]${[...toOutputSize(plan), ...yuvPadding, ...toOutputColor(plan), ...end].join(',')}[video]`;
  }
  // Both halves become RGB by their own matrix, so that the split shows detail and not colour.
  const toRgb = `scale=in_color_matrix=${plan.matrix}:in_range=${plan.fullRange ? 'pc' : 'tv'}:${QUALITY}`;
  const rgbFrames = !isSubsampled(plan.frame.format);
  const timeBase = formatRational(plan.timeBase);
  const rgbPlan: EncodePlan = rgbFrames ? plan : { ...plan, frame: { ...plan.frame, format: 'rgb24' } };
  const size = [...toOutputSize(plan), ...(rgbFrames ? [] : [toRgb])];
  const [before, after, join] = compareFilters(plan.width, plan.height, size, timeBase);
  const tagged = `setparams=colorspace=${matrixTag(plan.matrix)}:range=${plan.fullRange ? 'pc' : 'tv'}`;
  return [
    `[1:${plan.source.video.index}]${[...(plan.source.pictures?.turn ?? []), tagged, ...sourcePictures(plan, reading)].join(',')}[before]`,
    '[0:v:0]null[after]',
    before,
    after,
    `${join},${[...toOutputColor(rgbPlan), ...end].join(',')}[video]`,
  ].join(';');
}
