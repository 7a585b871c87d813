import { dirname } from 'node:path';
import { TinySRError } from '../shared/errors.js';
import { runTool } from '../shared/ffmpeg.js';
import { fileUrl, SAFE_INPUT_OPTIONS } from '../shared/input-options.js';
import type { MediaInfo } from '../shared/media.js';

/** Seconds that decoding times may go back by without a jump: rounding. */
const BACK = 0.1;
/** Seconds forward that no gap of a recording lasts: a clock that went back below its start looks like its wrap. */
const FORWARD = 3600;

/** Muxers that hold what the demuxers of the same kind read. Only these kinds have a clock that may start anew midway. */
const MUXERS: Readonly<Record<string, string>> = { mpegts: 'mpegts', mpeg: 'vob' };

/**
 * Counts the places where the picture's clock starts anew: broadcast recordings and DVD titles that were put one behind
 * the other. Reads the whole file once, without decoding.
 */
export async function countClockJumps(info: MediaInfo, signal?: AbortSignal): Promise<number> {
  if (!MUXERS[info.format]) return 0;
  const packets = ['-select_streams', String(info.video.index), '-show_entries', 'packet=dts_time', '-of', 'csv=p=0'];
  const { stdout } = await runTool(
    'ffprobe',
    ['-v', 'error', ...SAFE_INPUT_OPTIONS, ...packets, fileUrl(info.path)],
    signal,
  );
  let last: number | undefined;
  let jumps = 0;
  for (const line of stdout.toString().split('\n')) {
    const time = Number.parseFloat(line);
    if (!Number.isFinite(time)) continue;
    if (last !== undefined && (time < last - BACK || time > last + FORWARD)) jumps += 1;
    last = time;
  }
  return jumps;
}

/**
 * Copies a file whose clock jumps, with all its tracks, to one whose clock goes on: all tracks are moved by the same at
 * each jump, so that they stay together. Two programs read the source, and only the copy gives both one clock.
 *
 * @param path the copy; the caller removes it
 * @throws TinySRError `TSR_OUTPUT_DISK_FULL`, `TSR_DECODE_FAILED`
 */
export async function mendClock(info: MediaInfo, path: string, signal?: AbortSignal): Promise<void> {
  const { code, stderr } = await runTool(
    'ffmpeg',
    [
      ...['-v', 'error', '-nostdin', '-y', '-dts_delta_threshold', String(FORWARD), ...SAFE_INPUT_OPTIONS],
      ...['-i', fileUrl(info.path), '-map', '0', '-c', 'copy', '-copy_unknown', '-f', MUXERS[info.format] ?? 'mpegts'],
      fileUrl(path),
    ],
    signal,
  );
  if (signal?.aborted) throw new TinySRError('TSR_INTERRUPTED', 'stopped while mending the clock of the source');
  if (/No space left on device|File too large|Disk quota exceeded/.test(stderr)) {
    throw new TinySRError(
      'TSR_OUTPUT_DISK_FULL',
      `${dirname(path)}: no room for a copy of the source with a clock that goes on`,
      {
        hint: 'Set TMPDIR to a folder with more room.',
        cause: new Error(stderr),
      },
    );
  }
  if (code === 0) return;
  throw new TinySRError('TSR_DECODE_FAILED', `${info.path}: its clock jumps and cannot be mended`, {
    hint: 'Cut it where it was put together, and upscale the parts.',
    cause: new Error(stderr),
  });
}
