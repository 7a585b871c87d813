import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { TinySRError } from '../shared/errors.js';
import { MAX_PIXELS, MAX_SIDE, MIN_SIDE } from '../shared/limits.js';
import type { ColorTags, HdrMetadata, MediaInfo, OtherStream, Stereo, VideoStream } from '../shared/media.js';
import { parseRational, type Rational, rationalValue } from '../shared/rational.js';
import { ffprobe, type ProbedStream, type ProbeReport } from './ffprobe.js';
import { frameFieldOrder, marksFrames, marksSingleFields, streamFieldOrder } from './field-order.js';
import { patternIn } from './pictures/sequence.js';
import { describePixelFormat } from './pixel-format.js';
import { turnOf } from './turn.js';

/** Whether an untrusted name is worth passing on: `unknown` and `reserved` say nothing. */
function named(value: string | undefined): string | undefined {
  return value && !['unknown', 'unspecified', 'reserved', 'N/A'].includes(value) ? value : undefined;
}

function colorTags(stream: ProbedStream): ColorTags {
  const range = stream.color_range === 'tv' || stream.color_range === 'pc' ? stream.color_range : undefined;
  const matrix = named(stream.color_space);
  return {
    range: range ?? (stream.pix_fmt?.startsWith('yuvj') ? 'pc' : undefined),
    // RGB and GBR say `gbr`, which is no matrix a YUV output could use.
    matrix: matrix === 'gbr' || matrix === 'rgb' ? undefined : matrix,
    primaries: named(stream.color_primaries),
    transfer: named(stream.color_transfer),
    chromaLocation: named(stream.chroma_location),
  };
}

function marksOf({ disposition = {} }: ProbedStream): string[] {
  return Object.keys(disposition).filter((name) => disposition[name] === 1);
}

function stereoOf(stream: ProbedStream): Stereo | undefined {
  const told = stream.side_data_list?.find((data) => data.side_data_type === 'Stereo 3D');
  if (typeof told?.type !== 'string' || told.type === '2D') return undefined;
  return { arrangement: told.type, inverted: told.inverted === 1 };
}

function announcedFrames(stream: ProbedStream): number | undefined {
  const announced = Number(stream.nb_frames ?? stream.tags?.NUMBER_OF_FRAMES);
  return Number.isSafeInteger(announced) && announced > 0 ? announced : undefined;
}

function guessedFrames(stream: ProbedStream, seconds: number | undefined): number | undefined {
  const rate = parseRational(stream.avg_frame_rate);
  return rate && seconds ? Math.max(1, Math.round(rationalValue(rate) * seconds)) : undefined;
}

/** Frames a second above which a rate is only the clock's: what ffprobe says of variable-frame-rate files. */
const MAX_RATE = 960;

function frameRateOf(stream: ProbedStream): Rational | undefined {
  const rates = [parseRational(stream.avg_frame_rate), parseRational(stream.r_frame_rate)];
  return rates.find((rate) => rate && rationalValue(rate) <= MAX_RATE);
}

function number(value: string | undefined): number | undefined {
  const parsed = Number.parseFloat(value ?? '');
  return Number.isFinite(parsed) ? parsed : undefined;
}

/** What a picture stream is. @throws TinySRError `TSR_INPUT_INVALID`, `TSR_INPUT_TOO_LARGE`, `TSR_INPUT_TOO_SMALL` */
export function videoStream(path: string, stream: ProbedStream, duration: number | undefined): VideoStream {
  const { width = 0, height = 0 } = stream;
  if (width < 1 || height < 1) {
    throw new TinySRError('TSR_INPUT_INVALID', `${path}: the video stream says no picture size`, {
      hint: 'The header is damaged; remux the file (ffmpeg -i IN -c copy OUT) and try again.',
    });
  }
  if (width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS) {
    throw new TinySRError(
      'TSR_INPUT_TOO_LARGE',
      `${path}: ${width}x${height} is larger than ${MAX_SIDE} pixels a side`,
      {
        hint: 'Scale it down first.',
      },
    );
  }
  if (width < MIN_SIDE || height < MIN_SIDE) {
    throw new TinySRError(
      'TSR_INPUT_TOO_SMALL',
      `${path}: ${width}x${height} is smaller than ${MIN_SIDE}x${MIN_SIDE}`,
      {
        hint: 'There is no picture to restore in so few pixels.',
      },
    );
  }
  const { rotation, turn } = turnOf(stream);
  const turned = rotation === 90 || rotation === 270;
  const dovi = stream.side_data_list?.find((data) => data.side_data_type?.startsWith('DOVI'));
  const sar = parseRational(stream.sample_aspect_ratio) ?? { num: 1, den: 1 };
  const pixelFormat = stream.pix_fmt ?? 'unknown';
  const format = describePixelFormat(pixelFormat);
  const color = colorTags(stream);
  const announced = announcedFrames(stream);
  return {
    index: stream.index,
    codec: stream.codec_name ?? 'unknown',
    language: stream.tags?.language,
    title: stream.tags?.title,
    dispositions: marksOf(stream),
    width: turned ? height : width,
    height: turned ? width : height,
    rotation,
    turn,
    pixelFormat,
    depth: format.depth,
    hasAlpha: format.alpha || stream.tags?.alpha_mode === '1',
    ...fieldsOf(streamFieldOrder(stream)),
    stereo: stereoOf(stream),
    dolbyVision: dovi && (dovi.dv_bl_signal_compatibility_id === 0 ? 'own' : 'compatible'),
    timeBase: parseRational(stream.time_base) ?? { num: 1, den: 90_000 },
    frameRate: frameRateOf(stream),
    sampleAspectRatio: turned ? { num: sar.den, den: sar.num } : sar,
    frameCount: announced ?? guessedFrames(stream, number(stream.duration) ?? duration),
    frameCountAnnounced: announced !== undefined,
    startTime: number(stream.start_time),
    seconds: number(stream.duration),
    color,
    hdr: color.transfer === 'smpte2084' || color.transfer === 'arib-std-b67',
    hdrMetadata: undefined,
  };
}

/** Whether a track of sound is announced and nothing of it was found: its sample rate or its channels are unknown then. */
function isSilent({ codec_type, sample_rate, channels }: ProbedStream): boolean {
  return codec_type === 'audio' && !(Number(sample_rate) > 0 && channels);
}

function otherStream(stream: ProbedStream): OtherStream {
  const disposition = stream.disposition ?? {};
  const type =
    stream.codec_type === 'video' && disposition.attached_pic
      ? 'cover'
      : (['audio', 'subtitle', 'attachment', 'video'] as const).find((known) => known === stream.codec_type);
  return {
    index: stream.index,
    // What ffprobe has no name for is data to us.
    type: type ?? 'data',
    codec: stream.codec_name ?? 'unknown',
    language: stream.tags?.language,
    title: stream.tags?.title ?? stream.tags?.filename,
    tag: stream.codec_tag_string,
    dispositions: marksOf(stream),
    silent: isSilent(stream),
  };
}

/** Units of x265's `master-display`: chromaticity in 1/50000, luminance in 1/10000 cd/m2. */
function scaled(value: unknown, unit: number): number {
  const ratio = parseRational(String(value));
  return ratio ? Math.round(rationalValue(ratio) * unit) : 0;
}

/** Of the first frame, or of the track where the container knows it. */
function hdrMetadata(report: ProbeReport, stream: ProbedStream): HdrMetadata | undefined {
  const sides = [...(report.frames[0]?.side_data_list ?? []), ...(stream.side_data_list ?? [])];
  const mastering = sides.find((data) => data.side_data_type === 'Mastering display metadata');
  const light = sides.find((data) => data.side_data_type === 'Content light level metadata');
  const point = (name: string) =>
    `(${scaled(mastering?.[`${name}_x`], 50_000)},${scaled(mastering?.[`${name}_y`], 50_000)})`;
  if (!mastering && !light) return undefined;
  return {
    masteringDisplay: mastering
      ? `G${point('green')}B${point('blue')}R${point('red')}WP${point('white_point')}` +
        `L(${scaled(mastering.max_luminance, 10_000)},${scaled(mastering.min_luminance, 10_000)})`
      : undefined,
    contentLight: light ? `${Number(light.max_content) || 0},${Number(light.max_average) || 0}` : undefined,
  };
}

function fieldsOf(
  fieldOrder: VideoStream['fieldOrder'],
): Pick<VideoStream, 'fieldOrder' | 'interlaced' | 'singleFields'> {
  return { fieldOrder, interlaced: fieldOrder === 'top' || fieldOrder === 'bottom', singleFields: undefined };
}

/** What the first frame adds: of single fields the stream may speak as if pictures were woven of them. */
function fieldsWith(video: VideoStream, report: ProbeReport): ReturnType<typeof fieldsOf> {
  const order = frameFieldOrder(report);
  if (!marksSingleFields(video.codec)) return fieldsOf(order ?? video.fieldOrder);
  return order ? { ...fieldsOf(undefined), singleFields: order } : fieldsOf(video.fieldOrder);
}

/** What a container says of fields where its writer did not know: Matroska calls all progressive then. */
function isVague(fieldOrder: VideoStream['fieldOrder'], format: string): boolean {
  return fieldOrder === undefined || (fieldOrder === 'progressive' && format.startsWith('matroska'));
}

/** Adds what only frames say: how bright an HDR picture is, and which field comes first where the stream does not know. */
async function withFirstFrame(
  path: string,
  video: VideoStream,
  format: string,
  stream: ProbedStream,
  signal?: AbortSignal,
): Promise<VideoStream> {
  const isUnsure = marksFrames(video.codec) && isVague(video.fieldOrder, format);
  const asksFields = isUnsure || marksSingleFields(video.codec);
  if (!video.hdr && !asksFields) return video;
  const report = await ffprobe(path, signal, { firstFrame: stream.index });
  return {
    ...video,
    ...(asksFields && fieldsWith(video, report)),
    hdrMetadata: video.hdr ? hdrMetadata(report, stream) : undefined,
  };
}

/** Checks that a path names a readable file with bytes in it and returns its size. @throws TinySRError `TSR_INPUT_*` */
export async function checkFile(path: string): Promise<number> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES') return undefined;
    // What Node makes of bytes that are no UTF-8.
    const isForeign = path.includes('\u{fffd}');
    throw new TinySRError('TSR_INPUT_NOT_FOUND', `${path}: no such file`, {
      hint: isForeign
        ? 'If its name is no UTF-8, as of an old disk, give its folder together with --out-dir, or rename it.'
        : 'Check the path; only files are read, not network addresses.',
      cause: error,
    });
  });
  if (info && !info.isFile()) {
    const pattern = info.isDirectory() ? await patternIn(path) : undefined;
    throw new TinySRError('TSR_INPUT_NOT_FILE', `${path}: not a regular file`, {
      hint: info.isDirectory()
        ? `Give a folder together with --out-dir to upscale every video in it${pattern ? `, or its pictures as ${pattern}` : ''}.`
        : 'Give a video file, or - to read from stdin.',
    });
  }
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw new TinySRError('TSR_INPUT_UNREADABLE', `${path}: no permission to read`, {
      hint: 'Change the permissions of the file or its folder.',
      cause: error,
    });
  });
  if (info?.size === 0) {
    throw new TinySRError('TSR_INPUT_EMPTY', `${path}: the file is empty`, { hint: 'Copy or download it again.' });
  }
  return info?.size ?? 0;
}

/**
 * Reads what a media file holds, without decoding more than one frame.
 *
 * @throws TinySRError `TSR_INPUT_*` for a file that cannot be upscaled, `TSR_FFMPEG_MISSING`
 */
export async function probeFile(path: string, signal?: AbortSignal): Promise<MediaInfo> {
  const bytes = await checkFile(path);
  const first = await ffprobe(path, signal);
  const lateSound = first.streams.some(isSilent);
  const report = lateSound ? await ffprobe(path, signal, { long: true }) : first;
  const duration = number(report.format?.duration);
  const pictures = report.streams.filter((s) => s.codec_type === 'video' && !s.disposition?.attached_pic);
  const chosen = pictures.find((s) => s.disposition?.default) ?? pictures[0];
  if (!chosen) {
    throw new TinySRError('TSR_INPUT_NO_VIDEO', `${path}: no video stream`, {
      hint: 'The file holds only audio, subtitles or cover art.',
    });
  }
  const format = report.format?.format_name ?? 'unknown';
  const video = await withFirstFrame(path, videoStream(path, chosen, duration), format, chosen, signal);
  const others = report.streams.filter((s) => s !== chosen).map(otherStream);
  return {
    path,
    format,
    startTime: number(report.format?.start_time) ?? 0,
    duration,
    bytes,
    lateSound,
    video,
    others,
    chapters: report.chapters.length,
    untitledChapters: report.chapters.flatMap(({ tags }, number) => (tags?.title ? [] : [number])),
    quicktimeKeys: Object.keys(report.format?.tags ?? {}).some((key) => key.startsWith('com.apple.quicktime.')),
    timecode:
      chosen.tags?.timecode ??
      report.format?.tags?.timecode ??
      report.streams.find((s) => s.tags?.timecode)?.tags?.timecode,
    pictures: undefined,
  };
}
