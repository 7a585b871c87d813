import ffmpeg from 'fluent-ffmpeg';
import { hasNoMatrix, isLimitedGrey, type Matrix } from '../shared/color.js';
import { fileUrl, SAFE_INPUT_OPTIONS } from '../shared/input-options.js';
import { type FrameFormat, isSubsampled } from '../shared/layout.js';
import type { MediaInfo } from '../shared/media.js';
import { formatRational } from '../shared/rational.js';

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
  /** ffmpeg hardware decoder (`auto`, `vaapi`, `cuda` …) or `none`. */
  readonly hwaccel: string;
  /** Seconds from the file's start; undefined: from the beginning. */
  readonly start: number | undefined;
  /** Seconds from the file's start, exclusive; undefined: to the end. */
  readonly end: number | undefined;
  /** Number of frames that the reader stops after; undefined: all. A filter that ends early would lose frames. */
  readonly frames: number | undefined;
  /** Frame to begin with, counted from 0; undefined: the first. */
  readonly firstFrame: number | undefined;
  /** Filter threads and decoder threads; undefined: ffmpeg's choice. */
  readonly threads?: number | undefined;
}

/** Seconds of a transport or programme stream read before a start: it has no index, so a seek may miss the key frame. */
const RUN_UP = 12;

/** Whether a seek in a file may miss: the reader of the frames leaves out what is before the start then. */
export function isCutByReader({ format }: MediaInfo): boolean {
  return format === 'mpegts' || format === 'mpeg';
}

function seekOptions({ info, start, end }: DecodeOptions): string[] {
  const from = start !== undefined && isCutByReader(info) ? Math.max(0, start - RUN_UP) || undefined : start;
  return [
    ...(from === undefined ? [] : ['-ss', from.toFixed(6)]),
    ...(end === undefined || isCutByReader(info) ? [] : ['-to', end.toFixed(6)]),
  ];
}

/** Repeats the last column or row until the picture has the size a model can take. */
function edgePadding(columns: number, rows: number): string[] {
  const right = `split[body][tail];[tail]crop=1:ih:iw-1:0,scale=${columns}:ih:flags=neighbor[edge];[body][edge]hstack`;
  const bottom = `split[upper][last];[last]crop=iw:1:0:ih-1,scale=iw:${rows}:flags=neighbor[floor];[upper][floor]vstack`;
  return [...(columns ? [right] : []), ...(rows ? [bottom] : [])];
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
    ...(video.interlaced ? ['bwdif=mode=send_frame:parity=auto:deint=interlaced'] : []),
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
  const { info, hwaccel, threads } = options;
  // Options are given one by one: fluent-ffmpeg would split those of an array at their spaces.
  const command = ffmpeg()
    .input(fileUrl(info.path))
    .inputOptions(
      ...[
        '-hide_banner',
        '-nostdin',
        ...['-v', 'repeat+warning', '-copyts', '-max_error_rate', '1'],
        ...(hwaccel === 'none' ? [] : ['-hwaccel', hwaccel]),
        ...(threads === undefined ? [] : ['-threads', String(threads)]),
        ...seekOptions(options),
        ...SAFE_INPUT_OPTIONS,
      ],
    )
    .complexFilter([`[0:${info.video.index}]${decodeFilters(options)},split[pictures][times]`])
    .output('pipe:3')
    .outputOptions(
      ...[
        ...['-map', '[times]', '-c:v', 'wrapped_avframe', '-fps_mode', 'passthrough'],
        ...['-enc_time_base', formatRational(info.video.timeBase), '-flush_packets', '1', '-f', 'framecrc'],
      ],
    )
    .output('pipe:1')
    .outputOptions('-map', '[pictures]', '-fps_mode', 'passthrough', '-avioflags', 'direct', '-f', 'rawvideo');
  return command._getArguments();
}
