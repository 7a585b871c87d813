import type { DecodeOptions } from '../decode/command.js';
import { checkHwaccel } from '../decode/hwaccel.js';
import { endOfPictures } from '../decode/packet-times.js';
import { type Container, containerFor, containerNamed } from '../encode/containers.js';
import { extractCovers } from '../encode/covers.js';
import { cutSubtitles } from '../encode/cut-subtitles.js';
import { pictureTarget } from '../encode/pictures/formats.js';
import type { EncodePlan } from '../encode/plan.js';
import { stereoWarning } from '../encode/stereo.js';
import { planStreams } from '../encode/streams.js';
import { DEFAULT_MODEL, resolveModel } from '../infer/resolve-model.js';
import type { Model } from '../infer/types.js';
import { type Deinterlacing, pictureClock, picturesPerFrame } from '../shared/deinterlace.js';
import { TinySRError } from '../shared/errors.js';
import { requireFfmpeg } from '../shared/ffmpeg.js';
import { parseFrameRate } from '../shared/frame-rate.js';
import { type FrameLayout, frameLayout } from '../shared/layout.js';
import { MAX_FRAME_BYTES } from '../shared/limits.js';
import type { MediaInfo, VideoStream } from '../shared/media.js';
import { type Rational, rationalValue, reduced } from '../shared/rational.js';
import { planColor } from './color-plan.js';
import { pictureTimecode, planDeinterlacing } from './deinterlace-plan.js';
import { lookAtSource, type Scratch, scratchPath } from './look-at-source.js';
import type { UpscaleVideoOptions } from './options.js';
import { type OutputPlan, planOutput } from './output-plan.js';
import { pictureSourceWarnings, planPictures, requirePictureSize } from './picture-plan.js';
import { planSizes, type SizePlan } from './size-plan.js';

/** Everything decided about one video before any frame is read. */
export interface VideoPlan {
  readonly model: Model;
  readonly decode: DecodeOptions;
  readonly encode: EncodePlan;
  /** Frames expected; undefined when the source does not say. */
  readonly totalFrames: number | undefined;
  readonly warnings: readonly string[];
}

/** Clocks that start far from zero, by habit or by kind of container, are set to zero: players of other kinds expect it. */
function zeroOf(source: MediaInfo, start: number | undefined, end: number | undefined): number {
  if (start !== undefined) return source.startTime + start;
  const farFromZero = Math.abs(source.startTime) > 9;
  const broadcast = source.format === 'mpegts' || source.format === 'mpeg';
  return farFromZero || broadcast || end !== undefined ? source.startTime : 0;
}

/** Pixels keep their shape, unless both sides were asked for: then the picture keeps its own. */
function pixelShape(
  { width, height, sampleAspectRatio: { num, den } }: VideoStream,
  size: SizePlan,
  options: UpscaleVideoOptions,
): Rational {
  if (options.width === undefined || options.height === undefined) return { num, den };
  return reduced({ num: num * width * size.height, den: den * height * size.width });
}

function expectedPictures(
  source: MediaInfo,
  deinterlacing: Deinterlacing | undefined,
  options: UpscaleVideoOptions,
): number | undefined {
  const { video } = source;
  const { frameRate } = pictureClock(video, deinterlacing);
  const { start = 0, end, frames } = options;
  const pictureCount = video.frameCount && Math.round(picturesPerFrame(video, deinterlacing) * video.frameCount);
  let expected = pictureCount;
  if ((options.start !== undefined || end !== undefined) && frameRate) {
    const until = Math.min(end ?? Number.POSITIVE_INFINITY, source.duration ?? end ?? Number.POSITIVE_INFINITY);
    const ofRate = Number.isFinite(until)
      ? Math.max(1, Math.round((until - start) * rationalValue(frameRate)))
      : undefined;
    // A part has no more than the whole.
    expected = ofRate === undefined ? undefined : Math.min(ofRate, pictureCount ?? ofRate);
  }
  return frames === undefined ? expected : Math.min(frames, expected ?? frames);
}

/** Whether a pixel format has more colour samples than 4:2:0: named here are those that decoders give. */
const FINE_CHROMA = /422|444|^(uyvy|yuyv|y210|v210|nv16|nv24)/;
const COARSE_CHROMA = /420|^(nv12|p010)/;

function contentWarnings(
  { video, timecode }: MediaInfo,
  { depth, pixelFormat, encoder }: OutputPlan,
  start: number | undefined,
): string[] {
  const fine = FINE_CHROMA.exec(video.pixelFormat)?.[0];
  const coarse = COARSE_CHROMA.test(pixelFormat);
  const wanted = `yuv${fine === '444' || fine === 'nv24' ? '444' : '422'}p${depth === 10 ? '10le' : ''}`;
  return [
    ...(video.depth > depth
      ? [`${video.depth}-bit samples become ${depth}-bit${depth === 8 ? ': --depth 10 keeps ten bits' : ''}`]
      : []),
    ...(fine && coarse
      ? [`${video.pixelFormat} becomes ${pixelFormat}: --pix-fmt ${wanted} keeps the colour samples`]
      : []),
    ...(video.hdrMetadata && encoder !== 'libx265'
      ? [`${encoder} cannot be given the HDR metadata (brightness, display): --codec hevc keeps it`]
      : []),
    ...(timecode !== undefined && start !== undefined
      ? [`time code ${timecode}: dropped, it is that of the source's beginning`]
      : []),
    ...(video.hasAlpha ? ['transparency is dropped: the output is opaque'] : []),
    ...(video.dolbyVision ? ['Dolby Vision metadata is dropped: the base layer is kept'] : []),
    ...(video.dolbyVision === 'own'
      ? ['the base layer of this Dolby Vision profile has colours of its own, which players will show wrongly']
      : []),
  ];
}

/** A source of whose samples nothing is to be told: pictures have words of their own for that. */
function besideSamples(source: MediaInfo): MediaInfo {
  const video = { ...source.video, depth: 8, hasAlpha: false, hdrMetadata: undefined };
  return { ...source, video, timecode: undefined };
}

/** @throws TSR_INPUT_TOO_LARGE when upscaled frames are larger than the encoder takes */
function requireFrameSize(input: string, { format, width, height, bytes }: FrameLayout): void {
  if (bytes <= MAX_FRAME_BYTES) return;
  throw new TinySRError(
    'TSR_INPUT_TOO_LARGE',
    `${input}: frames of ${width}x${height} in ${format} are ${Math.round(bytes / 1e6)} MB, more than the ${Math.round(MAX_FRAME_BYTES / 1e6)} MB that can be encoded`,
    { hint: 'Use a model of a smaller scale, for example --model tinysr-nano-x2.' },
  );
}

/** The container of the output: by extension, or by `format` for stdout. @throws TinySRError `TSR_OUTPUT_FORMAT` */
export function outputContainer(options: Pick<UpscaleVideoOptions, 'output' | 'format'>): Container {
  if (options.output !== '-') return containerFor(options.output);
  const named = containerNamed(options.format ?? 'matroska');
  if (named) return named;
  throw new TinySRError('TSR_OUTPUT_FORMAT', `stdout can carry matroska or mp4, not ${options.format}`);
}

/**
 * Looks at the source and decides everything.
 *
 * @param path the source as a file: the input, or what stdin was spooled to
 * @param scratch folder for intermediate files, or what makes one when it is needed
 * @param known the model, when it was resolved already: `options.model` is not looked at then
 */
export async function planVideo(
  options: UpscaleVideoOptions,
  path: string,
  scratch: Scratch,
  known?: Model,
): Promise<VideoPlan> {
  const { signal, compare = false, start, end } = options;
  const container = outputContainer(options);
  // Looking at the source overlaps with looking at ffmpeg; what is wrong with ffmpeg or the model is told first.
  const target = pictureTarget(options.output);
  const rate = options.fps === undefined ? undefined : parseFrameRate(String(options.fps));
  const probing = lookAtSource(path, scratch, signal, rate);
  probing.catch(() => undefined);
  const [ffmpeg, model] = await Promise.all([
    requireFfmpeg(),
    known ?? resolveModel(options.model ?? DEFAULT_MODEL, signal),
  ]);
  await checkHwaccel(options.hwaccel);
  const { source, warnings: sourceWarnings } = await probing;
  const { video } = source;
  const { deinterlacing, warnings: interlacingWarnings } = planDeinterlacing(source, options);
  const pictureWarnings = pictureSourceWarnings(source, options);
  const still = target && planPictures(options, target, source);
  const output = still?.output ?? planOutput(options, container, video, ffmpeg);
  const size = planSizes(video, model, options);
  const color = planColor(video, model, size, output.depth, still !== undefined);
  const frame = frameLayout(color.format, size.frame.width * model.scale, size.frame.height * model.scale);
  if (target) requirePictureSize(target, options.output, size);
  else requireFrameSize(options.input, frame);
  const { streams, warnings } = planStreams(source, container);
  const covers = container.covers === 'attachment' ? streams.filter(({ type, fate }) => type === 'cover' && fate) : [];
  const coverFiles = covers.length ? await extractCovers(source, await scratchPath(scratch), signal) : [];
  if (coverFiles.length < covers.length) warnings.push('cover art: dropped, it cannot be read');
  const lastTime =
    options.frames === undefined || target || source.pictures
      ? undefined
      : await endOfPictures(source, start ?? 0, options.frames, deinterlacing, signal);
  const tracksEnd = Math.min(end ?? Number.POSITIVE_INFINITY, lastTime ?? Number.POSITIVE_INFINITY);
  const partEnd = Number.isFinite(tracksEnd) ? tracksEnd : undefined;
  const zero = zeroOf(source, start, end);
  const converted = streams.filter(({ type, fate }) => type === 'subtitle' && fate !== undefined && fate !== 'copy');
  const cueFiles =
    converted.length && (start !== undefined || partEnd !== undefined)
      ? await cutSubtitles(
          source,
          converted.map(({ index }) => index),
          { start: zero - source.startTime, end: partEnd },
          await scratchPath(scratch),
          signal,
        )
      : [];
  const { width, height } = size.frame;
  const decode: DecodeOptions = {
    ...{ info: source, format: color.format, width, height, matrix: color.matrix, fullRange: color.fullRange },
    ...{ hwaccel: options.hwaccel ?? 'none', start, end, firstFrame: undefined, deinterlacing },
    // Phones put a second picture behind the first.
    frames: source.pictures && !source.pictures.sequence ? 1 : options.frames,
  };
  const encode: EncodePlan = {
    ...{
      source,
      output: options.output,
      container,
      codec: output.codec,
      encoder: output.encoder,
      crf: options.crf,
      preset: options.preset,
      steady: options.steady,
    },
    pixelFormat: output.pixelFormat,
    extra: options.ffmpegArgs ?? [],
    frame,
    picture: size.picture,
    width: size.width,
    height: size.height,
    sampleAspectRatio: pixelShape(video, size, options),
    ...pictureClock(video, deinterlacing),
    deinterlacing,
    timecode: pictureTimecode(source.timecode, deinterlacing),
    matrix: color.matrix,
    fullRange: color.fullRange,
    color: color.tags,
    zero,
    start,
    end: partEnd,
    compare,
    streams,
    coverFiles,
    cueFiles,
    pictures: still?.pictures,
    threads: undefined,
  };
  return {
    model,
    decode,
    encode,
    totalFrames: expectedPictures(source, deinterlacing, options),
    warnings: [
      ...[...sourceWarnings, ...pictureWarnings, ...interlacingWarnings],
      ...contentWarnings(still ? besideSamples(source) : source, output, start),
      ...(still?.warnings ?? []),
      ...stereoWarning(encode),
      ...warnings,
    ],
  };
}
