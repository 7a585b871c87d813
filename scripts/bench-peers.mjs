/**
 * Sets our models beside others on one machine, one clip, in one run: `npm run bench:peers -- --peers models.json
 * [--data PICTURES --lpips lpips_sq.onnx | --quality eval.json] [--only NAME,…] [--scale 4] [--clip FILE] [--python PATH]
 * [--report FILE.html] [--json]`.
 *
 * Every model goes through our own line; ours also through a plain Python script. LPIPS comes from training/eval.py,
 * run here on `--data`, or from what it wrote before (`--quality`); with both, only ours are scored anew. `models.json`
 * lists `[{name, path, scale}]`, paths beside it; models of one scale are compared.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { findPython, runPythonPipe } from './bench-python-pipe.mjs';
import { ROOT } from './lib/paths.mjs';

const execute = promisify(execFile);
const dist = (file) => import(pathToFileURL(join(ROOT, 'dist', ...file.split('/'))).href);
const tell = (text) => process.stderr.write(`${text}\n`);

const { values } = parseArgs({
  options: {
    peers: { type: 'string' },
    only: { type: 'string' },
    scale: { type: 'string', default: '4' },
    clip: { type: 'string', default: join(ROOT, 'examples', 'clip.mp4') },
    data: { type: 'string' },
    lpips: { type: 'string' },
    quality: { type: 'string' },
    python: { type: 'string' },
    report: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

/** The peers as [{name, file}]. */
async function readPeers() {
  if (values.peers === undefined) return [];
  const list = JSON.parse(await readFile(values.peers, 'utf8'));
  const only = values.only?.split(',');
  return list
    .filter(({ name, scale }) => scale === Number(values.scale) && (!only || only.includes(name)))
    .map(({ name, path }) => ({ name, file: resolve(dirname(values.peers), path) }));
}

/** Scores as {model: {track: {lpips …}}}. */
async function readQuality(python, names, peers, scratch) {
  const known = values.quality === undefined ? {} : JSON.parse(await readFile(values.quality, 'utf8'));
  if (values.data === undefined || values.lpips === undefined || !python) return known;
  tell('quality (minutes)');
  const file = join(scratch, 'quality.json');
  const list = join(scratch, 'peers.json');
  const scale = Number(values.scale);
  await writeFile(list, JSON.stringify(peers.map(({ name, file: path }) => ({ name, path, scale }))));
  const others = values.quality === undefined ? ['--peers', list] : [];
  const pictures = ['--data', resolve(values.data), '--lpips', resolve(values.lpips)];
  const args = [join(ROOT, 'training', 'eval.py'), ...pictures, ...others, '--models', ...names, '--json', file];
  await execute(python, args, { cwd: join(ROOT, 'training'), maxBuffer: 1 << 26 });
  return { ...known, ...JSON.parse(await readFile(file, 'utf8')) };
}

async function runPython(python, name, result) {
  const { resolveModel } = await dist('infer/resolve-model.js');
  const { encoderKind } = await dist('encode/codecs.js');
  const { defaultQuality: crf, defaultPreset: preset } = encoderKind('libx264');
  const { width, height } = result.infer[0].size;
  const scratch = await mkdtemp(join(tmpdir(), 'tinysr-peers-'));
  try {
    const job = { clip: values.clip, output: join(scratch, 'out.mp4'), width, height, encode: { crf, preset } };
    const { frames, seconds } = await runPythonPipe(python, { ...job, model: await resolveModel(name) });
    return frames / seconds;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function print({ result, pythonFps, track }) {
  const rows = result.infer.map((row) => {
    const line = result.pipeline.find(({ model }) => model === row.model);
    const { quality, shipped } = result.models.find(({ name }) => name === row.model);
    const lpips = track === undefined ? undefined : quality?.[track]?.lpips;
    return { row, line, lpips, shipped };
  });
  const better = (a, b) => a.row.fps.median >= b.row.fps.median && (a.lpips ?? 9) <= (b.lpips ?? 9) && a !== b;
  const text = rows.map((entry) => {
    const { row, line, lpips, shipped } = entry;
    const front = lpips !== undefined && !rows.some((other) => better(other, entry));
    return [
      `${shipped ? '' : '  '}${row.model}`.padEnd(32),
      `${row.fps.median.toFixed(2)}${row.basis === 'measured' ? ' ' : '*'}`.padStart(10),
      `${line.fps.median.toFixed(2)}${line.basis === 'measured' ? ' ' : '*'}`.padStart(10),
      String(Math.round(row.peakRssBytes / 2 ** 20)).padStart(9),
      (lpips === undefined ? '-' : lpips.toFixed(4)).padStart(8),
      front ? '  front' : '',
    ].join('');
  });
  const { size } = result.infer[0];
  return [
    `${size.name}, ${result.machine.cpu}, ${result.machine.cores} cores, load before ${result.machine.load.toFixed(1)}`,
    `${'model'.padEnd(32)}${'infer fps'.padStart(10)}${'file fps'.padStart(10)}${'RSS MB'.padStart(9)}${'LPIPS'.padStart(8)}   (LPIPS: ${track ?? 'not measured'})`,
    ...text,
    pythonFps === null
      ? 'plain Python pipe: not run'
      : `plain Python pipe, ${result.infer[0].model}: ${pythonFps.toFixed(2)} fps file to file`,
    '* predicted from one frame',
  ].join('\n');
}

async function main() {
  const { runBench, renderReport } = await dist('bench/index.js');
  const { qualityTrack } = await dist('bench/report/quality-chart.js');
  const { listModels } = await dist('infer/manifest.js');
  const peers = await readPeers();
  const python = await findPython(values.python);
  const scratch = await mkdtemp(join(tmpdir(), 'tinysr-peers-'));
  try {
    const ours = (await listModels()).filter(({ scale }) => scale === Number(values.scale)).map(({ name }) => name);
    const of = { models: ours, peers: peers.map(({ file }) => file) };
    // However many peers there are, all of them are measured.
    const options = { mode: 'default', budgetMs: null, devices: ['cpu'], input: values.clip, ...of };
    const found = await runBench(options, new AbortController().signal, (event) => {
      if (event.type === 'cell') tell(`[${event.number}/${event.total}] ${event.label}`);
      if (event.type === 'warning') tell(`warning: ${event.message}`);
    });
    if (python) tell('the Python script');
    const pythonFps = python ? await runPython(python, ours[0], found) : null;
    const scores = await readQuality(python, ours, peers, scratch);
    const models = found.models.map((model) => ({ ...model, quality: scores[model.name] ?? model.quality }));
    const result = { ...found, models };
    if (values.report !== undefined) await writeFile(values.report, renderReport(result));
    if (values.json) console.log(JSON.stringify({ ...result, pythonFps }, null, 2));
    else console.log(print({ result, pythonFps, track: qualityTrack(models) }));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
