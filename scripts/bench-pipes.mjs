/**
 * How fast are raw frames from one ffmpeg through Node to another, against `ffmpeg | ffmpeg`? `node scripts/bench-pipes.mjs
 * [--size WxH] [--frames N] [--rounds N] [--only TEXT] [--json]`. Nothing is decoded, computed or encoded: one ffmpeg
 * copies frames from a file in memory, the other throws them away. All ways are taken in turn, so that a busy machine
 * slows all alike; the ratio is what counts.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dist } from './bench-gpu/dist.mjs';
import { WAYS } from './bench-pipes/ways.mjs';

const { cpuSecondsSince, cpuTime } = await dist('bench/cpu-time.js');

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1920x1080' },
    frames: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const [width, height] = values.size.split('x').map(Number);
const frames = Number(values.frames);
const frame = (width * height * 3) / 2;
/** Frames in the file, which is read over and over. */
const DIFFERENT = 4;
/** A folder in memory where there is one: a disk would be measured else. */
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

function ffmpeg(args, stdout = 'pipe') {
  const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], { stdio: ['pipe', stdout, 'inherit'] });
  const exited = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg ended with ${code}`))));
  });
  // Whoever waits for both hears of the first; the other must not count as unhandled.
  exited.catch(() => undefined);
  return { child, exited };
}

async function main(scratch) {
  const raw = ['-f', 'rawvideo', '-video_size', values.size, '-pixel_format', 'yuv420p', '-framerate', '30'];
  const file = join(scratch, 'frames.yuv');
  await writeFile(file, Buffer.alloc(DIFFERENT * frame, 'textured '));
  const copy = ['-c', 'copy', '-f', 'rawvideo'];
  const given = ['-stream_loop', '-1', ...raw, '-i', file, '-frames:v', String(frames), ...copy];
  const ends = {
    ...{ frame, scratch },
    source: (...target) => ffmpeg([...given, ...target]),
    sourceInto: (stdout, ...options) => ffmpeg([...given, ...options, 'pipe:1'], stdout),
    sink: (from) => ffmpeg([...raw, '-i', from, '-c', 'copy', '-f', 'null', '-']),
  };
  const ways = Object.entries(WAYS).filter(
    ([name], index) => index === 0 || !values.only || name.includes(values.only),
  );
  const found = Object.fromEntries(ways.map(([name]) => [name, []]));
  for (let round = 0; round <= Number(values.rounds); round += 1) {
    for (const [name, way] of ways) {
      const [own, all] = [process.cpuUsage(), cpuTime()];
      const started = performance.now();
      await way(ends);
      const seconds = (performance.now() - started) / 1000;
      const { user, system } = process.cpuUsage(own);
      const cpuMs = ((cpuSecondsSince(all) ?? Number.NaN) * 1000) / frames;
      // The first round warms up.
      if (round > 0) found[name].push({ fps: frames / seconds, nodeMs: (user + system) / 1000 / frames, cpuMs });
      process.stderr.write(`${round} ${name}: ${(frames / seconds).toFixed(0)} fps\n`);
    }
  }
  const plain = found[Object.keys(found)[0]];
  return Object.entries(found).map(([name, runs]) => ({
    name,
    fps: median(runs.map(({ fps }) => fps)),
    // Of two runs that follow each other: what else the machine did then was the same for both.
    ratio: median(runs.map(({ fps }, round) => fps / plain[round].fps)),
    cpuMs: median(runs.map(({ cpuMs }) => cpuMs)),
    nodeMs: name.startsWith('ffmpeg') ? 0 : median(runs.map(({ nodeMs }) => nodeMs)),
  }));
}

const scratch = await mkdtemp(join(base, 'tinysr-pipes-'));
try {
  const load = loadavg()[0];
  const rows = await main(scratch);
  if (values.json) console.log(JSON.stringify({ size: values.size, frames, load, rows }, null, 2));
  else {
    console.log(`${values.size} yuv420p, ${frames} frames; ${cpus()[0].model.trim()}, ${availableParallelism()} cores`);
    console.log(`load before ${load.toFixed(1)}; CPU time a frame, kernel included: of all processes, and of Node`);
    for (const { name, fps, ratio, cpuMs, nodeMs } of rows) {
      const gigabytes = (fps * frame) / 1e9;
      const numbers = [`${fps.toFixed(0)} fps`, `${gigabytes.toFixed(2)} GB/s`, `ratio ${ratio.toFixed(2)}`];
      console.log(
        `${name.padEnd(36)}${numbers.map((text) => text.padStart(12)).join('')}   CPU ${cpuMs.toFixed(2)} ms, Node ${nodeMs.toFixed(2)} ms`,
      );
    }
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
