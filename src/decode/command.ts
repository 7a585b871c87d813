import ffmpeg from 'fluent-ffmpeg';
import { hasNoMatrix, isLimitedGrey, type Matrix } from '../shared/color.js';
import { type Deinterlacing, deinterlaceFilters, deinterlaceInput, pictureClock } from '../shared/deinterlace.js';
import { inputOf } from '../shared/input-options.js';
import { type FrameFormat, isSubsampled } from '../shared/layout.js';
import type { MediaInfo } from '../shared/media.js';
import { formatRational, rationalValue } from '../shared/rational.js';

/** How frames are to be decoded. */
export interface DecodeOptions {
  readonly info: MediaInfo;
  /** Raw format of the frames. */
  readonly format: FrameFormat;
  /** Width of the raw frames: the picture's, rounded up to what the model needs. */
  readonly width: number;
  /** Height of the raw frames. */
  readonly height: number;
  /** YUV matrix of the source, for conversion to RGB. */
  readonly matrix: Matrix;
  /** Full-range source (0..255), for conversion to RGB. */
  readonly fullRange: boolean;
  /** How interlaced frames become pictures; undefined: frames are pictures. */
  readonly deinterlacing: Deinterlacing | undefined;
  /** ffmpeg hardware decoder (`auto`, `vaapi`, `cuda` …) or `none`. */
  readonly hwaccel: string;
  /** Seconds from the file's start; undefined: from the beginning. */
  readonly start: number | undefined;
  /** Seconds from the file's start, exclusive; undefined: to the end. */
  readonly end: number | undefined;
  /** Number of pictures that the reader stops after; undefined: all. A filter that ends early would lose frames. */
  readonly frames: number | undefined;
  /** Picture to begin with, counted from 0; undefined: the first. */
  readonly firstFrame: number | undefined;
  /** Filter threads and decoder threads; undefined: ffmpeg's choice. */
  readonly threads?: number | undefined;
}

/** Seconds of a transport or programme stream read before a start: it has no index, so a seek may miss the key frame. */
const RUN_UP = 12;

/** Seconds, … */
const NEIGHBOURS = 1;
/** … and frames where they come slowly, read before a start and after an end: the pictures there are made of them, too. */
const NEIGHBOUR_FRAMES = 3;

function mayMiss({ format }: MediaInfo): boolean {
  return format === 'mpegts' || format === 'mpeg';
}

/**
 * Whether the reader of the frames leaves out what is before the start: where a seek may miss, and where a picture is made
 * of frames around it.
 */
export function isCutByReader({ info, deinterlacing }: DecodeOptions): boolean {
  return mayMiss(info) || deinterlacing !== undefined;
}

function seekOptions({ info, start, end, deinterlacing }: DecodeOptions): string[] {
  const { frameRate } = info.video;
  const around = deinterlacing ? Math.max(NEIGHBOURS, frameRate ? NEIGHBOUR_FRAMES / rationalValue(frameRate) : 0) : 0;
  const before = mayMiss(info) ? RUN_UP : around;
  const from = start !== undefined && before > 0 ? Math.max(0, start - before) || undefined : start;
  return [
    ...(from === undefined ? [] : ['-ss', from.toFixed(6)]),
    ...(end === undefined || mayMiss(info) ? [] : ['-to', (end + around).toFixed(6)]),
  ];
}

/** Repeats the last column or row until the picture has the size a model can take. */
function edgePadding(columns: number, rows: number): string[] {
  const right = `split[body][tail];[tail]crop=1:ih:iw-1:0,scale=${columns}:ih:flags=neighbor[edge];[body][edge]hstack`;
  const bottom = `split[upper][last];[last]crop=iw:1:0:ih-1,scale=iw:${rows}:flags=neighbor[floor];[upper][floor]vstack`;
  return [...(columns ? [right] : []), ...(rows ? [bottom] : [])];
}

/** Ends ffmpeg at a picture of another size than the first: it would be stretched. The width is none then. */
function sameSize({ width, height }: MediaInfo['video']): string {
  return `crop=w='if(eq(iw,${width})*eq(ih,${height}),iw,-1)':h=ih`;
}

/** Filters from decoded frames to raw frames of one size and format. */
export function decodeFilters(options: DecodeOptions): string {
  const { info, format, width, height } = options;
  const { video } = info;
  // A size change midway rebuilds the graph; the scale holds the first size then, and costs nothing otherwise.
  const size = `scale=${video.width}:${video.height}:flags=bicubic+accurate_rnd+full_chroma_int`;
  const toRgb = `${size}:in_color_matrix=${options.matrix}:in_range=${options.fullRange ? 'pc' : 'tv'}:out_range=pc`;
  const fromRgb = hasNoMatrix(video.pixelFormat, video.color.range);
  const grey = isLimitedGrey(video.pixelFormat, video.color.range);
  return [
    ...(info.pictures?.turn ?? []),
    ...(info.pictures?.sequence ? [sameSize(video)] : []),
    ...deinterlaceFilters(video, options.deinterlacing, {
      origin: video.startTime,
      sought: seekOptions(options).includes('-ss'),
    }),
    ...(options.firstFrame ? [`trim=start_frame=${options.firstFrame}`] : []),
    // Its plane becomes that of luma as it is.
    ...(grey ? [`format=${video.depth > 8 ? 'yuv420p10le' : 'yuv420p'}`] : []),
    isSubsampled(format) || fromRgb ? size : toRgb,
    `format=${format}`,
    ...edgePadding(width - video.width, height - video.height),
  ].join(',');
}

/**
 * ffmpeg arguments that write raw frames to stdout and, to descriptor 3, one framecrc line per frame that carries its
 * PTS: a raw frame has no room for one. The frames on descriptor 3 are only wrapped, so their checksum costs nothing.
 */
export function decodeArguments(options: DecodeOptions): string[] {
  const { info, hwaccel, threads, deinterlacing } = options;
  const { timeBase } = pictureClock(info.video, deinterlacing);
  const { options: reading, url } = inputOf(info);
  // Options are given one by one: fluent-ffmpeg would split those of an array at their spaces.
  const command = ffmpeg()
    .input(url)
    .inputOptions(
      ...[
        '-hide_banner',
        '-nostdin',
        ...['-v', 'repeat+warning', '-copyts', '-max_error_rate', '1'],
        // A picture that cannot be read ends it: all behind it would have the number of the one before.
        ...(info.pictures?.sequence ? ['-xerror'] : []),
        ...(hwaccel === 'none' ? [] : ['-hwaccel', hwaccel]),
        ...(threads === undefined ? [] : ['-threads', String(threads)]),
        ...seekOptions(options),
        ...deinterlaceInput(info.video, deinterlacing),
        ...reading,
      ],
    )
    .complexFilter([`[0:${info.video.index}]${decodeFilters(options)},split[pictures][times]`])
    .output('pipe:3')
    .outputOptions(
      ...[
        ...['-map', '[times]', '-c:v', 'wrapped_avframe', '-fps_mode', 'passthrough'],
        ...['-enc_time_base', formatRational(timeBase), '-flush_packets', '1', '-f', 'framecrc'],
      ],
    )
    .output('pipe:1')
    .outputOptions('-map', '[pictures]', '-fps_mode', 'passthrough', '-avioflags', 'direct', '-f', 'rawvideo');
  return command._getArguments();
}
