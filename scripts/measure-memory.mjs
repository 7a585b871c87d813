/**
 * Peak memory of the command for a clip and for one ten times as long: node scripts/measure-memory.mjs [FRAMES].
 * Resident memory of the command and of both its ffmpeg processes, each at its own peak, as Linux keeps it (VmHWM).
 * Exits with 1 when the longer clip takes over 5 % more.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from './lib/paths.mjs';

const ALLOWED = 1.05;
const TIMES = 10;
const SIZE = '320x180';
const frames = Number(process.argv[2] ?? 150);
const folder = mkdtempSync(join(tmpdir(), 'memory-'));
try {
  const [short, long] = [await peak(frames), await peak(frames * TIMES)];
  const ratio = long.sum / short.sum;
  for (const { count, parts, sum } of [short, long]) {
    const each = Object.entries(parts).map(([name, bytes]) => `${name} ${megabytes(bytes)}`);
    console.log(`${count} frames of ${SIZE}: ${megabytes(sum)} (${each.join(', ')})`);
  }
  console.log(`${TIMES} times as long: ${ratio.toFixed(3)} times the memory; ${ALLOWED} is allowed`);
  if (!(ratio <= ALLOWED)) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function megabytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function makeClip(count) {
  const path = join(folder, `${count}.mp4`);
  const seconds = count / 25;
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=${SIZE}:r=25:d=${seconds},noise=alls=8:allf=t`];
  const sound = ['-f', 'lavfi', '-i', `sine=duration=${seconds}`];
  execFileSync('ffmpeg', ['-v', 'error', ...picture, ...sound, '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', path]);
  return path;
}

/** Runs the command and watches what it and its children take at most. */
async function peak(count) {
  const args = [
    makeClip(count),
    join(folder, `${count}-out.mp4`),
    '--quiet',
    '--device',
    'cpu',
    '--preset',
    'ultrafast',
  ];
  const child = spawn(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), ...args], { stdio: 'inherit' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const peaks = new Map([[child.pid, { name: 'node', bytes: 0 }]]);
  let running = true;
  void ended.then(() => {
    running = false;
  });
  while (running) {
    for (const pid of [child.pid, ...childrenOf(child.pid)]) {
      const text = status(pid);
      const bytes = Number(/^VmHWM:\s*(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
      const name = pid === child.pid ? 'node' : role(pid);
      if (name && bytes) peaks.set(pid, { name, bytes: Math.max(bytes, peaks.get(pid)?.bytes ?? 0) });
    }
    await sleep(25);
  }
  if ((await ended) !== 0) throw new Error('the command failed');
  const parts = Object.fromEntries([...peaks.values()].map(({ name, bytes }) => [name, bytes]));
  return { count, parts, sum: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}

function status(pid) {
  return read(`/proc/${pid}/status`);
}

function read(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It ended meanwhile.
    return '';
  }
}

function childrenOf(parent) {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => new RegExp(`^PPid:\\s*${parent}$`, 'm').test(status(pid))).map(Number);
}

/** Which of the line's ffmpegs a process is; undefined for those that only look at the source. */
function role(pid) {
  const command = read(`/proc/${pid}/cmdline`);
  if (command.includes('\0pipe:3\0')) return 'decoder';
  return command.includes('\0pipe:0\0') ? 'encoder' : undefined;
}
