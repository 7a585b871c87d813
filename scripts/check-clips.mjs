/**
 * Upscales every video of a folder and holds each result against its source: node scripts/check-clips.mjs FOLDER [OUT].
 * Number of frames, largest difference of timestamps, and the PSNR of each frame scaled back down: a frame that was
 * lost, doubled or swapped shows as a bad one. Exits with 1 when any clip falls short.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { ROOT } from './lib/paths.mjs';

const MIN_PSNR = 30;
const [folder, out = mkdtempSync(join(tmpdir(), 'clips-'))] = process.argv.slice(2);
if (!folder) {
  console.error('check-clips: give a folder of videos');
  process.exit(2);
}
mkdirSync(out, { recursive: true });
let failed = false;
for (const name of readdirSync(folder).sort()) {
  const source = join(folder, name);
  for (const extension of ['.mp4', '.mkv']) {
    const result = join(out, `${parse(name).name}-${parse(name).ext.slice(1)}${extension}`);
    const args = [
      join(ROOT, 'dist', 'cli', 'main.js'),
      source,
      result,
      '--overwrite',
      '--quiet',
      '--preset',
      'ultrafast',
    ];
    if (spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0) failed = true;
    else compare(source, result, name + extension);
  }
}
process.exitCode = failed ? 1 : 0;

function compare(source, result, label) {
  const [before, after] = [times(source), times(result)];
  const apart = Math.max(...before.map((time, i) => Math.abs(time - (after[i] ?? Number.POSITIVE_INFINITY))));
  const tick = Math.max(tickOf(source), tickOf(result));
  const psnr = framePsnr(source, result);
  const worst = Math.min(...psnr);
  const ok = before.length === after.length && psnr.length === before.length && apart <= tick && worst >= MIN_PSNR;
  failed ||= !ok;
  console.log(
    `${ok ? 'ok  ' : 'FAIL'} ${label}: ${before.length} frames in, ${after.length} out; timestamps within ` +
      `${(apart * 1000).toFixed(3)} ms (a tick is ${(tick * 1000).toFixed(3)}); worst frame ${worst.toFixed(1)} dB`,
  );
}

function probe(file, ...args) {
  return execFileSync('ffprobe', ['-v', 'error', '-select_streams', 'V:0', ...args, '-of', 'csv=p=0', file], {
    maxBuffer: 1 << 28,
  }).toString();
}

function times(file) {
  return probe(file, '-show_entries', 'frame=pts_time').split('\n').map(Number.parseFloat).filter(Number.isFinite);
}

function tickOf(file) {
  const [num, den] = probe(file, '-show_entries', 'stream=time_base').split('/').map(Number.parseFloat);
  return num / den;
}

/** PSNR of luma of each frame, by number. */
function framePsnr(source, result) {
  const number = 'settb=1/1000,setpts=N';
  const graph =
    `[1:V]${number},format=yuv420p[source];[0:V]${number}[large];[large][source]scale2ref=flags=area[small][same];` +
    '[small]format=yuv420p[scaled];[scaled][same]psnr=stats_file=-';
  const args = [
    '-v',
    'error',
    '-i',
    result,
    '-i',
    source,
    '-filter_complex',
    graph,
    '-fps_mode',
    'passthrough',
    '-enc_time_base',
    '1/1000',
    '-f',
    'null',
    '/dev/null',
  ];
  const text = execFileSync('ffmpeg', args, { maxBuffer: 1 << 28 }).toString();
  return [...text.matchAll(/psnr_y:(\S+)/g)].map(([, value]) => (value === 'inf' ? 100 : Number(value)));
}
