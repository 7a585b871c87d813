import { picturesBefore } from '../decode/pictures/sequence.js';
import { describePixelFormat } from '../decode/pixel-format.js';
import { type PictureTarget, pictureTarget } from '../encode/pictures/formats.js';
import type { PicturePlan } from '../encode/plan.js';
import { TinySRError } from '../shared/errors.js';
import type { MediaInfo } from '../shared/media.js';
import type { Depth, UpscaleVideoOptions } from './options.js';
import type { OutputPlan } from './output-plan.js';
import { isGrey, profileWarnings, profileWarningsOfVideo, profileWay } from './profile-plan.js';

/** Number of the first picture of a video, as ffmpeg has it. */
const FIRST = 1;

function usage(message: string, hint: string): TinySRError {
  return new TinySRError('TSR_USAGE', message, { hint });
}

/** @throws TinySRError `TSR_USAGE` for options that mean nothing to pictures */
export function checkPictureOptions(options: UpscaleVideoOptions): void {
  const target = pictureTarget(options.output);
  if (!target) {
    if (options.depth === 16) throw usage('--depth 16 is for pictures', 'Use --depth 10 for a video.');
    return;
  }
  const { codec, encoder, preset, steady } = options;
  if (steady !== undefined && !target.pattern)
    throw usage('one picture has no neighbours, which --steady is about', 'Leave out --steady.');
  if (codec !== undefined || encoder !== undefined || preset !== undefined) {
    throw usage('--codec, --encoder and --preset are for videos', "A picture's format goes by its extension.");
  }
}

/** @throws TinySRError `TSR_OUTPUT_FORMAT` where more than one frame would go into one picture */
function requireOneFrame({ path, video }: MediaInfo, { output, frames }: UpscaleVideoOptions): void {
  if (frames === 1 || video.frameCount === 1) return;
  throw new TinySRError('TSR_OUTPUT_FORMAT', `${output}: one picture cannot hold the frames of ${path}`, {
    hint: 'Write a video, numbered pictures (out/%06d.png), or one frame by --frames 1 or --preview.',
  });
}

/** What is written when the output is pictures. */
export interface PictureOutput {
  readonly output: OutputPlan;
  readonly pictures: PicturePlan;
  readonly warnings: readonly string[];
}

function warningsOf(
  source: MediaInfo,
  target: PictureTarget,
  depth: Depth,
  kept: PicturePlan,
  compare: boolean,
): string[] {
  const { video, pictures } = source;
  const { format } = target;
  const shallow = video.depth > 8 && depth === 8;
  return [
    ...(shallow
      ? [
          `${video.depth}-bit samples become 8-bit${format.deep ? '' : `, ${format.name} holds no more: PNG and TIFF do`}`,
        ]
      : []),
    ...(video.hasAlpha && !kept.alpha
      ? [
          `transparency is dropped: ${compare ? 'a comparison' : format.alpha ? 'the decoder gives none' : format.name} has none${format.alpha ? '' : ', PNG, TIFF and WebP have'}`,
        ]
      : []),
    ...(pictures ? profileWarnings(pictures, target, kept.profile, compare ? 'a comparison' : undefined) : []),
    ...(video.hdr ? [`HDR (${video.color.transfer}): pictures do not say so, and viewers show them pale`] : []),
  ];
}

/**
 * Decides what pictures are written.
 *
 * @throws TinySRError `TSR_OUTPUT_FORMAT`
 */
export function planPictures(options: UpscaleVideoOptions, target: PictureTarget, source: MediaInfo): PictureOutput {
  const { video } = source;
  const { format, pattern } = target;
  const compare = options.compare ?? false;
  if (!pattern) requireOneFrame(source, options);
  const wanted = options.depth ?? (video.depth > 8 ? 16 : 8);
  const depth = format.deep && !compare && wanted > 8 ? 16 : 8;
  // Of some videos with transparency the decoder gives the colours only.
  const decoded = describePixelFormat(video.pixelFormat).alpha;
  const passed = picturesBefore(source, options.start ?? 0);
  const alpha = video.hasAlpha && decoded && format.alpha && !compare;
  const grey = isGrey(video.pixelFormat) && !compare;
  const pixelFormat = options.pixelFormat ?? format.pixelFormat({ deep: depth > 8, alpha, grey });
  const pictures: PicturePlan = {
    ...target,
    first: (source.pictures?.sequence?.first ?? FIRST) + passed,
    deep: depth > 8,
    alpha,
    profile: profileWay(source.pictures, target, pixelFormat),
    passed: 0,
  };
  return {
    output: {
      ...{ codec: format.encoder, encoder: format.encoder, depth },
      pixelFormat,
    },
    pictures,
    warnings: warningsOf(source, target, depth, pictures, compare),
  };
}

/** @throws TinySRError `TSR_OUTPUT_FORMAT` for a picture that the format's own sizes cannot say */
export function requirePictureSize(
  { format }: PictureTarget,
  output: string,
  { width, height }: { readonly width: number; readonly height: number },
): void {
  const { maxSide = Number.POSITIVE_INFINITY, name } = format;
  if (Math.max(width, height) <= maxSide) return;
  throw new TinySRError(
    'TSR_OUTPUT_FORMAT',
    `${output}: ${name} holds ${maxSide} pixels a side, not ${width}x${height}`,
    {
      hint: 'Write PNG or TIFF.',
    },
  );
}

/**
 * What a source of pictures makes a user want to know, whatever is written.
 *
 * @throws TinySRError `TSR_USAGE` for a frame rate where the source has its own or needs none
 */
export function pictureSourceWarnings({ pictures, video }: MediaInfo, options: UpscaleVideoOptions): string[] {
  if (options.fps !== undefined && !pictures?.sequence) {
    throw usage('--fps is for numbered pictures', 'A video keeps its own times: leave --fps out.');
  }
  if (!pictures) return [];
  const toVideo = pictureTarget(options.output) === undefined;
  return [
    ...(pictures.linear ? ['the linear light of EXR becomes sRGB: what is brighter than white is cut off'] : []),
    ...(toVideo && pictures.sequence && options.fps === undefined
      ? [`${video.frameCount} pictures at 25 a second: --fps says another rate`]
      : []),
    ...(toVideo ? profileWarningsOfVideo(pictures) : []),
  ];
}
