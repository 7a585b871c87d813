/**
 * Measures the line at 480x270 -> 1920x1080: `npm run bench:pipeline -- [--clip FILE] [--model NAME] [--seconds N]
 * [--repeats N] [--python PATH] [--json]`. Prints, and fails for no number:
 *
 * - CPU-seconds a frame of decode, infer and encode, each run by itself, and the line's fps against 0.9 x cores / sum
 * - milliseconds a frame of JavaScript on the main thread, without the pipes' reads and writes
 * - seconds from starting the command to the first frame given to the encoder
 * - the same graph driven by a plain Python script (onnxruntime and ffmpeg pipes), in turn with ours
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { findPython, runPythonPipe } from './bench-python-pipe.mjs';
import { ROOT } from './lib/paths.mjs';

const execute = promisify(execFile);
const dist = (file) => import(pathToFileURL(join(ROOT, 'dist', ...file.split('/'))).href);

const { values } = parseArgs({
  options: {
    clip: { type: 'string', default: join(ROOT, 'examples', 'clip.mp4') },
    model: { type: 'string', default: 'tinysr-nano' },
    seconds: { type: 'string', default: '5' },
    repeats: { type: 'string', default: '3' },
    threads: { type: 'string' },
    python: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

/** Copies of the clip, one after the other: long enough to run for seconds. */
const COPIES = 2;
const never = new AbortController().signal;
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const tell = (text) => process.stderr.write(`${text}\n`);

/** Runs the command line and notes when the first frame is out. */
function timeCommand(clip, output) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const options = ['--json', '--overwrite', '--device', 'cpu', '--model', values.model];
    const child = spawn(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), clip, output, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let firstFrameMs;
    let done;
    createInterface({ input: child.stdout }).on('line', (text) => {
      const event = JSON.parse(text);
      if (event.type === 'progress' && event.frames > 0) firstFrameMs ??= performance.now() - started;
      if (event.type === 'done') done = event;
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve({ firstFrameMs, done }) : reject(new Error(`exit status ${code}`)),
    );
  });
}

async function main() {
  const { runCell } = await dist('bench/run-cell.js');
  const { stagesOf, cpuSum } = await dist('bench/predict.js');
  const { resolveModel } = await dist('infer/resolve-model.js');
  const { encoderKind } = await dist('encode/codecs.js');
  const { probe } = await dist('decode/probe-source.js');
  const scratch = await mkdtemp(join(tmpdir(), 'tinysr-bench-'));
  try {
    const clip = join(scratch, 'clip.mp4');
    const joined = ['-stream_loop', String(COPIES - 1), '-i', values.clip, '-map', '0:v:0', '-c', 'copy', clip];
    await execute('ffmpeg', ['-v', 'error', ...joined]);
    const { video } = await probe(clip);
    const model = await resolveModel(values.model);
    const cores = availableParallelism();
    const size = { name: `${video.width}x${video.height}`, width: video.width, height: video.height };
    const request = {
      ...{ model, provider: 'cpu', size, clip, scratch, batch: undefined, threads: Number(values.threads ?? cores) },
      ...{
        seconds: Number(values.seconds),
        longRunMs: null,
        pictures: video.frameCount / COPIES,
        wraps: true,
        frames: video.frameCount,
        repeats: Number(values.repeats),
      },
    };
    const ask = async (what) => {
      const reply = await runCell({ ...request, what }, 600_000, never);
      if (reply.kind === 'failed') throw new Error(reply.message);
      return reply.result;
    };
    const load = loadavg()[0];
    tell('stages by themselves');
    const stages = await ask('stages');
    const cost = (stage) => `${((stage.cpuSecondsPerFrame ?? Number.NaN) * 1000).toFixed(1)} CPU ms`;
    tell(`  decode ${cost(stages.decode)}, infer ${cost(stages.infer)}, encode ${cost(stages.encode)} a frame`);
    tell('the line');
    const line = await ask('line');
    tell(`  ${line.fps.median.toFixed(2)} fps`);
    tell('main thread');
    const output = join(scratch, 'out.mp4');
    const profile = JSON.parse(
      (await execute(process.execPath, [join(ROOT, 'scripts', 'bench-main-thread.mjs'), clip, output, values.model]))
        .stdout,
    );
    const python = await findPython(values.python);
    const encoder = encoderKind('libx264');
    const encode = { crf: encoder.defaultQuality, preset: encoder.defaultPreset };
    const ours = [];
    const theirs = [];
    const first = [];
    tell(
      python ? 'the command and the Python script, in turn' : 'the command (no Python with onnxruntime: --python PATH)',
    );
    for (let i = 0; i < request.repeats; i += 1) {
      const started = performance.now();
      const { firstFrameMs, done } = await timeCommand(clip, output);
      ours.push({ fps: done.fps, wholeFps: (done.frames * 1000) / (performance.now() - started) });
      first.push(firstFrameMs);
      tell(`  ours ${done.fps.toFixed(2)} fps, first frame after ${(firstFrameMs / 1000).toFixed(2)} s`);
      if (!python) continue;
      const from = performance.now();
      const peer = await runPythonPipe(python, {
        ...{ clip, output, model, encode },
        width: size.width,
        height: size.height,
      });
      tell(`  Python ${(peer.frames / peer.seconds).toFixed(2)} fps`);
      theirs.push({ fps: peer.frames / peer.seconds, wholeFps: (peer.frames * 1000) / (performance.now() - from) });
    }
    const rates = stagesOf(stages);
    const sum = cpuSum(rates);
    const of = (list, name) => (list.length ? median(list.map((run) => run[name])) : null);
    return {
      ...{ schema: 'tinysr-video-bench-pipeline/1', date: new Date().toISOString(), model: model.name },
      machine: { cpu: cpus()[0].model.trim(), cores, load },
      ...{ size: size.name, frames: line.frames, format: stages.infer.format, encoder: stages.encoder },
      ...{ stages: rates, inferLatencyMs: { p50: stages.infer.latencyMs.p50, p95: stages.infer.latencyMs.p95 } },
      ...{ cpuSecondsPerFrame: sum, fps: line.fps, lineCpuSecondsPerFrame: line.cpuSecondsPerFrame },
      ...{ targetFps: sum === null ? null : (0.9 * cores) / sum },
      overlapEfficiency: sum === null ? null : (line.fps.median * sum) / cores,
      ...{ mainThreadMsPerFrame: profile.msPerFrame, hottest: profile.hottest, peakRssBytes: line.peakRssBytes },
      firstFrameMs: median(first),
      command: { fps: of(ours, 'fps'), wholeFps: of(ours, 'wholeFps') },
      python: theirs.length ? { fps: of(theirs, 'fps'), wholeFps: of(theirs, 'wholeFps') } : null,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function print(result) {
  const ms = (seconds) => (seconds === null ? '-' : (seconds * 1000).toFixed(1));
  const { stages, mainThreadMsPerFrame: thread, python, command } = result;
  const rows = [
    `${result.model}, ${result.size} x4, ${result.frames} frames, ${result.format} frames, ${result.encoder}`,
    `${result.machine.cpu}, ${result.machine.cores} cores, load before ${result.machine.load.toFixed(1)}`,
    '',
    '                decode   infer  encode     sum',
    `CPU ms a frame ${[stages.decode, stages.infer, stages.encode].map((stage) => ms(stage.cpuSecondsPerFrame).padStart(7)).join(' ')} ${ms(result.cpuSecondsPerFrame).padStart(7)}   each by itself`,
    `fps            ${[stages.decode, stages.infer, stages.encode].map((stage) => stage.fps.toFixed(1).padStart(7)).join(' ')}`,
    '',
    `line           ${result.fps.median.toFixed(2)} fps (${result.fps.min.toFixed(2)} to ${result.fps.max.toFixed(2)}), ${ms(result.lineCpuSecondsPerFrame)} CPU ms a frame`,
    `target         ${result.targetFps?.toFixed(2) ?? '-'} fps = 0.9 x cores / sum; efficiency ${result.overlapEfficiency?.toFixed(3) ?? '-'}`,
    `main thread    ${thread.javascript.toFixed(3)} ms a frame of JavaScript, ${thread.garbageCollector.toFixed(3)} collecting garbage, ${thread.pipesAndEventLoop.toFixed(2)} pipes and event loop`,
    `first frame    ${(result.firstFrameMs / 1000).toFixed(2)} s after starting the command`,
    `command        ${command.fps.toFixed(2)} fps, ${command.wholeFps.toFixed(2)} with start and end`,
    python
      ? `Python script  ${python.fps.toFixed(2)} fps, ${python.wholeFps.toFixed(2)} with start and end: ours is ${(command.fps / python.fps).toFixed(2)} times as fast`
      : 'Python script  not run: give --python PATH with numpy and onnxruntime',
  ];
  return rows.join('\n');
}

const result = await main();
console.log(values.json ? JSON.stringify(result, null, 2) : print(result));
