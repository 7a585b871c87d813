import { z } from 'zod';
import { TinySRError } from '../shared/errors.js';
import { runTool } from '../shared/ffmpeg.js';
import { fileUrl, LONG_LOOK, SAFE_INPUT_OPTIONS } from '../shared/input-options.js';
import { MAX_PIXELS } from '../shared/limits.js';
import { throwIfStopped } from '../shared/stopped.js';
import { PICTURE_NAMES } from './pictures/kinds.js';

const text = z.string().optional();
const tags = z.record(z.string(), z.string()).optional();
const sideData = z.looseObject({ side_data_type: z.string().optional(), rotation: z.number().optional() });

const stream = z.object({
  index: z.number(),
  codec_type: text,
  codec_name: text,
  codec_tag_string: text,
  sample_rate: text,
  channels: z.number().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  pix_fmt: text,
  field_order: text,
  time_base: text,
  avg_frame_rate: text,
  r_frame_rate: text,
  sample_aspect_ratio: text,
  nb_frames: text,
  duration: text,
  start_time: text,
  color_range: text,
  color_space: text,
  color_primaries: text,
  color_transfer: text,
  chroma_location: text,
  disposition: z.record(z.string(), z.number()).optional(),
  tags,
  side_data_list: z.array(sideData).optional(),
});

const frame = z.looseObject({
  side_data_list: z.array(sideData).optional(),
  interlaced_frame: z.number().optional(),
  top_field_first: z.number().optional(),
});

const report = z.object({
  streams: z.array(stream).default([]),
  chapters: z.array(z.object({ tags })).default([]),
  frames: z.array(frame).default([]),
  format: z.object({ format_name: text, start_time: text, duration: text, tags }).optional(),
});

/** A stream as ffprobe describes it. */
export type ProbedStream = z.infer<typeof stream>;
/** What ffprobe says of a file. */
export type ProbeReport = z.infer<typeof report>;

/** The line that tells most of why ffmpeg gave up, without its `[demuxer @ 0x…]` prefix. */
export function lastReason(stderr: string): string {
  const lines = stderr.split('\n').map((line) =>
    line
      .replace(/^\[[^\]]*\]\s*/, '')
      .replace(/^file:.*: /, '')
      .trim(),
  );
  const telling = lines.filter((line) => line && !/^Last message repeated/.test(line));
  return telling.findLast((line) => line !== 'Invalid data found when processing input') ?? telling.at(-1) ?? '';
}

/** What else ffprobe looks at, or how. */
export interface ProbeOptions {
  /** Stream index whose first frame is read, in place of streams and format, for what only frames say. */
  readonly firstFrame?: number;
  /** Read on until every track is known, as by {@link LONG_LOOK}. */
  readonly long?: boolean;
  /** Options for a picture, which is read as well as its streams; default: those of video files. */
  readonly picture?: readonly string[];
}

/**
 * Runs ffprobe on a file.
 *
 * @throws TinySRError `TSR_INPUT_INVALID` when ffprobe cannot read the file, `TSR_FFMPEG_MISSING`
 */
export async function ffprobe(
  path: string,
  signal?: AbortSignal,
  { firstFrame, long = false, picture }: ProbeOptions = {},
): Promise<ProbeReport> {
  const oneFrame = ['-read_intervals', '%+#1', '-show_frames'];
  const what = [
    ...(firstFrame === undefined ? ['-show_streams', '-show_format', '-show_chapters'] : []),
    ...(firstFrame === undefined ? [] : ['-select_streams', String(firstFrame)]),
    ...(firstFrame !== undefined || picture ? oneFrame : []),
  ];
  const reading = [...(picture ?? SAFE_INPUT_OPTIONS), ...(long ? LONG_LOOK : [])];
  const result = await runTool('ffprobe', ['-v', 'error', ...reading, ...what, '-of', 'json', fileUrl(path)], signal);
  throwIfStopped(signal, 'stopped while probing');
  const invalid = (reason: string, cause?: unknown) =>
    new TinySRError(
      'TSR_INPUT_INVALID',
      `${path}: not a readable ${picture ? 'picture' : 'video file'} (${reason || 'unknown format'})`,
      {
        hint: picture
          ? 'Check that the file is complete and opens elsewhere, or save it as PNG.'
          : reason.includes('moov atom not found')
            ? 'Its index is missing: the recording or the copy was cut short. Copy it again; from a recording, tools such as untrunc can make an index anew by another file of the same camera.'
            : `Check that the file is complete and plays elsewhere; of pictures ${PICTURE_NAMES} are read, of playlists and network addresses none.`,
        cause,
      },
    );
  // What decoders say of a header whose picture would not fit the memory.
  if (
    picture &&
    /exceeds specified max pixel count|Picture size \d+x\d+ is invalid|Invalid image size/.test(result.stderr)
  ) {
    throw new TinySRError(
      'TSR_INPUT_TOO_LARGE',
      `${path}: has more than ${Math.round(MAX_PIXELS / 1e5) / 10} million pixels`,
      {
        hint: 'Scale the picture down first, or cut it into parts.',
      },
    );
  }
  if (result.code !== 0) throw invalid(lastReason(result.stderr));
  let parsed: ProbeReport;
  try {
    parsed = report.parse(JSON.parse(result.stdout.toString()));
  } catch (error) {
    throw invalid('ffprobe gave no usable report', error);
  }
  if (picture && !parsed.streams[0]?.width) throw invalid(lastReason(result.stderr));
  return parsed;
}
