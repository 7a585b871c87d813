import { runTool } from '../shared/ffmpeg.js';
import { fileUrl, SAFE_INPUT_OPTIONS } from '../shared/input-options.js';
import type { MediaInfo } from '../shared/media.js';

/** Packets read beyond the asked ones, so that reordering cannot hide an earlier frame. */
const REORDERING = 64;

/**
 * When the frame after the first `frames` ones starts, in seconds from the file's start: where tracks that are copied
 * must end. Read from packet times, so it costs no decoding.
 *
 * @returns undefined when the video has no more frames than that, or no times
 */
export async function endOfFrames(
  info: MediaInfo,
  start: number,
  frames: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const from = info.startTime + start;
  const result = await runTool(
    'ffprobe',
    [
      ...['-v', 'error', ...SAFE_INPUT_OPTIONS, '-select_streams', String(info.video.index)],
      // Reading starts at the key frame before `from`; its group's leading frames are left out below.
      ...(start > 0 ? ['-read_intervals', `${from}%`] : ['-read_intervals', `%+#${frames + REORDERING}`]),
      ...['-show_entries', 'packet=pts_time', '-of', 'csv=p=0', fileUrl(info.path)],
    ],
    signal,
  );
  const times = result.stdout.toString().split('\n').map(Number.parseFloat);
  const sorted = times.filter((time) => Number.isFinite(time) && time >= from - 1e-6).sort((a, b) => a - b);
  const next = sorted[frames];
  return next === undefined ? undefined : next - info.startTime;
}
