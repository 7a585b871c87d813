/**
 * Runs the line once under the CPU profiler and prints as JSON where the main thread's time went:
 * `node scripts/bench-main-thread.mjs CLIP OUTPUT [MODEL]`. A helper of bench-pipeline.mjs.
 */
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './lib/paths.mjs';

const { upscaleVideo } = await import(pathToFileURL(join(ROOT, 'dist', 'index.js')).href);
const [input, output, model] = process.argv.slice(2);

/** Native functions that hand a buffer to the kernel: their time is the pipe's. */
const PIPE_WRITES = /^(writeBuffer|writev|writeLatin1String|writeUtf8String)$/;

/** Milliseconds by kind, from a profile's samples. */
function byKind({ nodes, samples, timeDeltas }) {
  const kinds = new Map();
  for (const { id, callFrame } of nodes) {
    const { functionName, url } = callFrame;
    if (functionName === '(idle)') kinds.set(id, 'idle');
    // What runs outside JavaScript is libuv: polling, and read() of the pipes before their callbacks.
    else if (functionName === '(program)') kinds.set(id, 'pipesAndEventLoop');
    else if (functionName === '(garbage collector)') kinds.set(id, 'garbageCollector');
    else if (PIPE_WRITES.test(functionName) && url === '') kinds.set(id, 'pipesAndEventLoop');
    // Starting the profiler takes many milliseconds, of which it is the first to know.
    else if (url === 'node:inspector' || (functionName === 'dispatch' && url === '')) kinds.set(id, 'profiler');
    else kinds.set(id, 'javascript');
  }
  const ms = { profiler: 0, javascript: 0, garbageCollector: 0, pipesAndEventLoop: 0, idle: 0 };
  for (const [index, id] of samples.entries()) ms[kinds.get(id)] += timeDeltas[index] / 1000;
  return ms;
}

/** Functions with the most time of their own, in milliseconds. */
function hottest({ nodes, samples, timeDeltas }, count) {
  const names = new Map(
    nodes.map(({ id, callFrame }) => [
      id,
      `${callFrame.functionName || '(anonymous)'} ${callFrame.url.split('/').at(-1)}`,
    ]),
  );
  const own = new Map();
  for (const [index, id] of samples.entries())
    own.set(names.get(id), (own.get(names.get(id)) ?? 0) + timeDeltas[index] / 1000);
  return [...own].sort((a, b) => b[1] - a[1]).slice(0, count);
}

/** CPU milliseconds of the main thread so far; undefined where the system does not tell. */
function threadMs() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
}

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.setSamplingInterval', { interval: 200 });
let skipped;
let before;
let frames = 0;
await new Promise((resolve, reject) => {
  upscaleVideo({ input, output, overwrite: true, device: 'cpu', ...(model && { model }) }).subscribe({
    next(event) {
      if (event.type !== 'progress') return;
      frames = event.frames;
      // Opening happens once and not for each frame: the profile begins after it.
      if (skipped !== undefined) return;
      skipped = frames;
      before = threadMs();
      session.post('Profiler.start').catch(reject);
    },
    complete: resolve,
    error: reject,
  });
});
const used = before === undefined ? undefined : threadMs() - before;
const { profile } = await session.post('Profiler.stop');
const counted = frames - skipped;
const spent = byKind(profile);
const busy = spent.profiler + spent.javascript + spent.garbageCollector + spent.pipesAndEventLoop;
// Samples count wall-clock time, also when other processes had the core: the thread's own clock says how much was its.
const share = used === undefined ? 1 : Math.min(1, used / busy);
const perFrameMs = (ms) => (ms * share) / counted;
const perFrame = Object.fromEntries(Object.entries(spent).map(([kind, ms]) => [kind, perFrameMs(ms)]));
const hot = hottest(profile, 16).map(([name, ms]) => [name, perFrameMs(ms)]);
process.stdout.write(
  `${JSON.stringify({ frames: counted, cpuMsPerFrame: used && used / counted, msPerFrame: perFrame, hottest: hot })}\n`,
);
