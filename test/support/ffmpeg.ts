import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';

function tool(name: 'ffmpeg' | 'ffprobe', args: readonly string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', maxBuffer: 1 << 30 } as const;
    execFile(name, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${name} ${args.join(' ')}\n${stderr.toString()}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

/** Runs ffmpeg; rejects with its words when it fails. */
export function ffmpeg(...args: readonly string[]): Promise<Buffer> {
  return tool('ffmpeg', ['-hide_banner', '-nostdin', '-y', '-v', 'error', ...args]);
}

/** A stream as ffprobe prints it. */
export interface Stream {
  readonly index: number;
  readonly codec_type: string;
  readonly codec_name: string;
  readonly codec_tag_string: string;
  readonly width: number;
  readonly height: number;
  readonly channels?: number;
  readonly pix_fmt: string;
  readonly field_order?: string;
  readonly time_base: string;
  readonly avg_frame_rate: string;
  readonly start_time?: string;
  readonly sample_aspect_ratio?: string;
  readonly color_range?: string;
  readonly color_space?: string;
  readonly color_primaries?: string;
  readonly color_transfer?: string;
  readonly chroma_location?: string;
  readonly disposition: Readonly<Record<string, number>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly side_data_list?: readonly Readonly<Record<string, unknown>>[];
}

/** What ffprobe says of a file. */
export interface Probed {
  readonly streams: readonly Stream[];
  readonly chapters: readonly {
    readonly start_time: string;
    readonly end_time: string;
    readonly tags?: Readonly<Record<string, string>>;
  }[];
  readonly format: {
    readonly format_name: string;
    readonly start_time?: string;
    readonly duration?: string;
    readonly tags?: Readonly<Record<string, string>>;
  };
}

/** A file as ffprobe sees it, frames decoded. */
interface Look extends Probed {
  readonly packets_and_frames: readonly {
    readonly type: 'packet' | 'frame' | 'subtitle';
    readonly stream_index: number;
    readonly pts_time?: string;
    readonly size?: string;
  }[];
}

const looks = new Map<string, Promise<Look>>();

/** Looks at a file once: a process started costs more than small pictures decoded. */
function look(path: string): Promise<Look> {
  const { mtimeMs, size } = statSync(path);
  const key = `${path} ${mtimeMs} ${size}`;
  let known = looks.get(key);
  if (!known) {
    const timing = 'packet=stream_index,pts_time,size:frame=stream_index,pts_time';
    const show = ['-show_streams', '-show_chapters', '-show_format', '-show_packets', '-show_frames'];
    const args = [...show, '-show_entries', `stream:stream_side_data:format:chapter:${timing}`];
    known = tool('ffprobe', ['-v', 'error', ...args, '-of', 'json', path]).then((text) => JSON.parse(text.toString()));
    looks.set(key, known);
  }
  return known;
}

/** Streams, chapters and format of a file. */
export function probeFile(path: string): Promise<Probed> {
  return look(path);
}

/** The stream that is upscaled: the first picture stream that is no cover. */
export async function videoStream(path: string): Promise<Stream> {
  const { streams } = await look(path);
  const found = streams.find((stream) => stream.codec_type === 'video' && !stream.disposition.attached_pic);
  if (!found) throw new Error(`${path} has no video stream`);
  return found;
}

/** Streams of one type in file order. */
export async function streamsOf(path: string, type: string): Promise<readonly Stream[]> {
  return (await look(path)).streams.filter((stream) => stream.codec_type === type);
}

/** What the first frame of a file says beside its picture, by ffmpeg's names: Exif of JPEG and WebP. */
export async function frameTags(path: string): Promise<Readonly<Record<string, string>>> {
  const text = await tool('ffprobe', ['-v', 'error', '-show_frames', '-of', 'json', path]);
  const { frames } = JSON.parse(text.toString()) as { frames: { tags?: Record<string, string> }[] };
  return frames[0]?.tags ?? {};
}

/** PTS of every decoded frame of the picture, in seconds. */
export async function frameTimes(path: string): Promise<number[]> {
  const [{ index }, { packets_and_frames }] = [await videoStream(path), await look(path)];
  const frames = packets_and_frames.filter(({ type, stream_index }) => type === 'frame' && stream_index === index);
  return frames.map(({ pts_time }) => Number(pts_time));
}

/** PTS in seconds and size in bytes of every packet of a stream. */
export async function packets(path: string, index: number): Promise<{ readonly pts: number; readonly size: number }[]> {
  const { packets_and_frames } = await look(path);
  const found = packets_and_frames.filter(({ type, stream_index }) => type === 'packet' && stream_index === index);
  return found.map(({ pts_time, size }) => ({ pts: Number(pts_time), size: Number(size) }));
}

/** Seconds of one tick of the picture's time base. */
export async function tickOf(path: string): Promise<number> {
  const [num, den] = (await videoStream(path)).time_base.split('/').map(Number);
  return (num ?? 0) / (den ?? 1);
}
