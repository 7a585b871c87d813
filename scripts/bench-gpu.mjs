/**
 * Everything that is to be known of a machine's GPU, in one call: `npm run bench:gpu -- [--device NAME,…] [--model NAME,…]
 * [--size NAME,…] [--batches 1,2,4,8] [--side N] [--seconds N] [--full] [--json FILE] [--report FILE.html]`.
 *
 * - which providers load, whether they are right, and whether they beat the CPU
 * - every graph of every model against the CPU running it as written
 * - inference and the whole line at all sizes (`tinysr-video bench`)
 * - frames a second by batch, and with two sessions at once, whose transfers can overlap
 * - decoding and encoding by hardware, and the whole command with both
 *
 * What fails is reported and does not end the rest. On a machine without Node or ffmpeg: training/bench_gpu.py.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { dist } from './bench-gpu/dist.mjs';
import { measureHardware } from './bench-gpu/hardware.mjs';
import { printTables, tablesOf } from './bench-gpu/tables.mjs';
import { ROOT } from './lib/paths.mjs';

const execute = promisify(execFile);
const { runBench, renderReport, renderTable, parseSize, NAMED_SIZES } = await dist('bench/index.js');
const { probeDevice } = await dist('infer/providers.js');
const { listModels } = await dist('infer/manifest.js');
const { DEVICES } = await dist('infer/types.js');

const MEASURE = join(ROOT, 'scripts', 'bench-gpu', 'measure.mjs');
const CLIP = join(ROOT, 'examples', 'clip.mp4');
const TIMEOUT_MS = 600_000;
const tell = (text) => process.stderr.write(`${text}\n`);

const { values } = parseArgs({
  options: {
    device: { type: 'string' },
    model: { type: 'string' },
    size: { type: 'string' },
    batches: { type: 'string', default: '1,2,4,8' },
    side: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '1.5' },
    full: { type: 'boolean', default: false },
    json: { type: 'string' },
    report: { type: 'string' },
  },
});

/** Why a child process failed, in a line. */
function reasonOf({ signal, stderr, message }) {
  const [line] = (stderr || message).trim().split('\n');
  return signal ?? line;
}

/** Asks a measuring process; what it cannot say is an error in words. */
async function measure(request) {
  const rowsOf = (stdout = '') => stdout.split('\n').flatMap((line) => (line ? [JSON.parse(line)] : []));
  try {
    const { stdout } = await execute(process.execPath, [MEASURE, JSON.stringify(request)], { timeout: TIMEOUT_MS });
    return { rows: rowsOf(stdout), error: null };
  } catch (error) {
    return { rows: rowsOf(error.stdout), error: `the measuring process ended: ${reasonOf(error)}` };
  }
}

/** The command itself, with decoding and encoding by hardware where they work. */
async function wholeCommand(provider, { decode, encode }, scratch) {
  const accel = decode.find(({ name, fps }) => name !== 'software' && fps !== null)?.name ?? 'none';
  const encoder = encode.find(({ name, fps }) => name.startsWith('h264_') && fps !== null)?.name ?? 'libx264';
  const args = [CLIP, join(scratch, `${provider}.mp4`), '--device', provider, '--hwaccel', accel, '--encoder', encoder];
  const row = { provider, hwaccel: accel, encoder };
  try {
    const command = [join(ROOT, 'dist', 'cli', 'main.js'), ...args, '--json'];
    const { stdout } = await execute(process.execPath, command, { timeout: TIMEOUT_MS, maxBuffer: 1 << 26 });
    const { fps, frames } = JSON.parse(stdout.trim().split('\n').at(-1));
    return { ...row, frames, fps, error: null };
  } catch (error) {
    return { ...row, frames: null, fps: null, error: reasonOf(error) };
  }
}

async function main(scratch) {
  const never = new AbortController().signal;
  const all = await listModels();
  const models = all.filter(({ name }) => !values.model || values.model.split(',').includes(name));
  const sizes = values.size ? values.size.split(',').map(parseSize) : NAMED_SIZES;
  const asked = values.device?.split(',');
  const providers = [];
  for (const provider of DEVICES.filter((name) => name !== 'auto' && (!asked || asked.includes(name)))) {
    tell(`probe ${provider}`);
    providers.push(await probeDevice(models[0], provider, never, true));
  }
  const usable = providers.filter((report) => report.usable).map(({ provider }) => provider);
  const checks = [];
  const sweeps = [];
  for (const provider of usable) {
    for (const { name } of models) {
      tell(`check ${name} on ${provider}`);
      const found = await measure({ what: 'check', model: name, provider, side: Number(values.side) });
      checks.push({ provider, model: name, ...found });
    }
    tell(`batches and sessions on ${provider}`);
    const batches = values.batches.split(',').map(Number);
    const load = { sizes, batches, seconds: Number(values.seconds) };
    const found = await measure({ what: 'sweep', model: models[0].name, provider, ...load });
    sweeps.push({ provider, model: models[0].name, ...found });
  }
  // Several devices in one run: each has the time of a run of its own.
  const time = values.full ? {} : { budgetMs: 60_000 * usable.length };
  const options = { mode: values.full ? 'full' : 'default', ...time, peers: [], devices: usable, sizes };
  const bench = await runBench({ ...options, models: models.map(({ name }) => name) }, never, (event) => {
    if (event.type === 'cell') tell(`[${event.number}/${event.total}] ${event.label}`);
    if (event.type === 'warning') tell(`warning: ${event.message}`);
  });
  tell('hardware decoding and encoding');
  const hardware = await measureHardware(scratch);
  const commands = [];
  // The clip has a size of its own: a software driver that was given tiny sizes would take hours over it.
  for (const { provider, beatsCpu } of providers.filter((report) => report.usable)) {
    if (provider !== 'cpu' && !beatsCpu) continue;
    tell(`the command on ${provider}`);
    commands.push(await wholeCommand(provider, hardware, scratch));
  }
  return { schema: 'tinysr-video-bench-gpu/1', providers, checks, sweeps, hardware, commands, bench };
}

const scratch = await mkdtemp(join(tmpdir(), 'tinysr-gpu-'));
try {
  const found = await main(scratch);
  const tables = tablesOf(found);
  if (values.json) await writeFile(values.json, `${JSON.stringify(found, null, 2)}\n`);
  if (values.report) await writeFile(values.report, renderReport(found.bench, undefined, tables));
  console.log(`${renderTable(found.bench)}\n${printTables(tables)}`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
