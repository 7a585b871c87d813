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
 * The picture that clips are made from, as a filter graph without its last label: a zoom into the Mandelbrot set under
 * moving test patterns and fresh noise, so that neither model nor encoder meets anything flat, still or all zero.
 */
function picture(): string {
  const zoom = 'mandelbrot=size=640x360:rate=30:maxiter=400:start_scale=0.5:end_scale=0.02:end_pts=120';
  const mix =
    '[z]scale=1280:720,format=yuv420p[a];[p]format=yuv420p[b];[a][b]blend=all_mode=average,noise=alls=6:allf=t';
  return `${zoom}[z];testsrc2=${MASTER}[p];${mix},trim=end_frame=${FRAMES}`;
}

/** Makes the picture as a file that clips of any kind are made from. */
export async function makeMaster(scratch: string, signal: AbortSignal): Promise<string> {
  const path = join(scratch, 'master.mp4');
  await runClipTool(['-filter_complex', `${picture()}[video]`, '-map', '[video]', ...h264(10), path], signal);
  return path;
}

/** A clip of one size. */
export interface Clip {
  readonly size: BenchSize;
  readonly path: string;
  readonly frames: number;
}

/**
 * Makes a clip of each size as an H.264 file like those that users bring, played several times over. All of them at
 * once: making the picture takes longer than scaling and encoding it.
 */
export async function makeClips(sizes: readonly BenchSize[], scratch: string, signal: AbortSignal): Promise<Clip[]> {
  const clips = sizes.map((size) => {
    const path = join(scratch, `${size.width}x${size.height}.mp4`);
    return { size, path, frames: COPIES * FRAMES };
  });
  const once = (index: number) => join(scratch, `once-${index}.mp4`);
  const scale = ({ width, height }: BenchSize, index: number) =>
    `[from${index}]scale=${width}:${height}:flags=bicubic[to${index}]`;
  const split = `${picture()},split=${sizes.length}${sizes.map((_, index) => `[from${index}]`).join('')}`;
  const usual = [...h264(21), '-bf', '2', '-g', '60', '-coder', '1', '-flags', '+cgop'];
  const outputs = sizes.flatMap((_, index) => ['-map', `[to${index}]`, ...usual, once(index)]);
  await runClipTool(['-filter_complex', [split, ...sizes.map(scale)].join(';'), ...outputs], signal);
  const inputs = sizes.flatMap((_, index) => ['-stream_loop', String(COPIES - 1), '-i', once(index)]);
  const joined = clips.flatMap(({ path }, index) => ['-map', `${index}:v`, '-c', 'copy', path]);
  await runClipTool([...inputs, ...joined], signal);
  return clips;
}
