import { join } from 'node:path';
import { TinySRError } from '../shared/errors.js';
import { runTool } from '../shared/ffmpeg.js';
import type { BenchSize } from './types.js';

/** Frames of a synthetic clip. */
const FRAMES = 90;
/** How often it is joined to itself: a longer clip without the time to make one. */
const COPIES = 4;
/** Size and rate of the picture that all sizes are made from. */
const MASTER = 'size=1280x720:rate=30';

/** Runs ffmpeg to make a clip. @throws TinySRError `TSR_ENCODE_FAILED`, `TSR_INTERRUPTED` */
export async function runClipTool(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { code, stderr } = await runTool('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...args], signal);
  if (signal.aborted) throw new TinySRError('TSR_INTERRUPTED', 'stopped while making the test clip');
  if (code === 0) return;
  throw new TinySRError('TSR_ENCODE_FAILED', 'ffmpeg could not make the test clip', {
    hint: 'Its build lacks libx264 or lavfi; give a clip of your own with --input.',
    cause: new Error(stderr),
  });
}

const h264 = (crf: number) => ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', String(crf), '-pix_fmt', 'yuv420p'];

/**
 * Makes the picture that clips are made from: a zoom into the Mandelbrot set under moving test patterns and fresh
 * noise, so that neither model nor encoder meets anything flat, still or all zero.
 */
export async function makeMaster(scratch: string, signal: AbortSignal): Promise<string> {
  const path = join(scratch, 'master.mp4');
  const zoom = 'mandelbrot=size=640x360:rate=30:maxiter=400:start_scale=0.5:end_scale=0.02:end_pts=120';
  const mix =
    '[z]scale=1280:720,format=yuv420p[a];[p]format=yuv420p[b];[a][b]blend=all_mode=average,noise=alls=6:allf=t';
  const graph = `${zoom}[z];testsrc2=${MASTER}[p];${mix}[video]`;
  const output = ['-map', '[video]', '-frames:v', String(FRAMES), ...h264(10), path];
  await runClipTool(['-filter_complex', graph, ...output], signal);
  return path;
}

/**
 * Scales the master to one size as an H.264 file like those that users bring, played several times over.
 *
 * @returns its path and number of frames
 */
export async function makeClip(
  master: string,
  size: BenchSize,
  scratch: string,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly frames: number }> {
  const name = `${size.width}x${size.height}`;
  const once = join(scratch, `${name}-once.mp4`);
  const path = join(scratch, `${name}.mp4`);
  const scale = `scale=${size.width}:${size.height}:flags=bicubic`;
  const usual = ['-bf', '2', '-g', '60', '-coder', '1', '-flags', '+cgop'];
  await runClipTool(['-i', master, '-vf', scale, ...h264(21), ...usual, once], signal);
  await runClipTool(['-stream_loop', String(COPIES - 1), '-i', once, '-c', 'copy', path], signal);
  return { path, frames: COPIES * FRAMES };
}
