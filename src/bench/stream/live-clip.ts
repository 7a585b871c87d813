import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CodedPicture, FlvReader } from '../../stream/bridge/ivf.js';
import { runClipTool } from '../source-clip.js';
import type { BenchSize } from '../types.js';

/** Pictures of a live clip at most; it is sent over and over. */
const PICTURES = 300;

/**
 * Encodes a video as a browser's camera would: H.264 without B-frames, each picture at once, a key frame a second for
 * those who ask.
 *
 * @param fps the rate it is sent at: every picture of the video is sent, however far apart they were
 * @returns its path
 */
export async function makeLiveClip(
  video: string,
  size: BenchSize,
  fps: number,
  scratch: string,
  signal: AbortSignal,
): Promise<string> {
  const path = join(scratch, `live-${size.width}x${size.height}-${fps}.flv`);
  const picture = ['-vf', `scale=${size.width}:${size.height}:flags=bicubic`, '-pix_fmt', 'yuv420p'];
  const codec = ['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-profile:v', 'baseline'];
  const keys = ['-g', String(Math.round(fps)), '-sc_threshold', '0', '-x264-params', 'repeat-headers=1'];
  const input = ['-r', String(fps), '-i', video, '-map', '0:v:0', '-frames:v', String(PICTURES), '-an', '-sn'];
  await runClipTool([...input, ...picture, ...codec, '-crf', '25', ...keys, '-f', 'flv', path], signal);
  return path;
}

/** Reads a clip made by {@link makeLiveClip}. */
export async function readLiveClip(path: string): Promise<readonly CodedPicture[]> {
  return new FlvReader().push(await readFile(path));
}
