import { type Deinterlacing, picturesPerFrame, pictureTimes } from '../shared/deinterlace.js';
import { runTool } from '../shared/ffmpeg.js';
import { fileUrl, SAFE_INPUT_OPTIONS } from '../shared/input-options.js';
import type { MediaInfo } from '../shared/media.js';

/** Bytes of a file up to which its frames are counted: it is read once for that, in a part of a second. */
const COUNTED_BYTES = 64 << 20;

/**
 * Counts the frames of a file that does not announce how many there are: rate and duration would say thousands where a
 * few frames have hours between them.
 *
 * @returns undefined where the file announces a count, is too large to be read for one, or has nothing to count
 */
export async function countFrames(
  { path, bytes, video }: MediaInfo,
  signal?: AbortSignal,
): Promise<number | undefined> {
  if (video.frameCountAnnounced || bytes > COUNTED_BYTES) return undefined;
  const count = ['-select_streams', String(video.index), '-count_packets', '-show_entries', 'stream=nb_read_packets'];
  const { stdout } = await runTool(
    'ffprobe',
    ['-v', 'error', ...SAFE_INPUT_OPTIONS, ...count, '-of', 'default=nw=1:nk=1', fileUrl(path)],
    signal,
  );
  // A transport stream is told of twice, as its programme's and by itself.
  return Number.parseInt(stdout.toString(), 10) || undefined;
}

/** Packets read beyond the asked ones, so that reordering cannot hide an earlier frame. */
const REORDERING = 64;

/**
 * When the picture after the first `pictures` ones comes, in seconds from the file's start: where tracks that are copied
 * must end. Read from packet times, so it costs no decoding.
 *
 * @returns undefined when the video has no more than that, or no times
 */
export async function endOfPictures(
  info: MediaInfo,
  start: number,
  pictures: number,
  deinterlacing: Deinterlacing | undefined,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const from = info.startTime + start;
  const packets = Math.ceil(pictures / Math.min(1, picturesPerFrame(info.video, deinterlacing))) + REORDERING;
  const result = await runTool(
    'ffprobe',
    [
      ...['-v', 'error', ...SAFE_INPUT_OPTIONS, '-select_streams', String(info.video.index)],
      // Reading starts at the key frame before `from`; its group's leading frames are left out below.
      ...(start > 0 ? ['-read_intervals', `${from}%`] : ['-read_intervals', `%+#${packets}`]),
      ...['-show_entries', 'packet=pts_time', '-of', 'csv=p=0', fileUrl(info.path)],
    ],
    signal,
  );
  const times = result.stdout.toString().split('\n').map(Number.parseFloat);
  const sorted = times.filter(Number.isFinite).sort((a, b) => a - b);
  const shown = pictureTimes(sorted, info.video, deinterlacing).filter((time) => time >= from - 1e-6);
  const next = shown[pictures];
  return next === undefined ? undefined : next - info.startTime;
}
