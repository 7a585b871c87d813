/**
 * Would a pre-optimised model kept on disk start faster? `node scripts/bench-session-start.mjs MODEL.onnx… [--repeats N]`.
 * Opens each graph as it is, and as onnxruntime wrote it after optimising it (`optimizedModelFilePath`), in turn, each time
 * in a new process. Prints milliseconds by the clock and of CPU time.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dist } from './bench-gpu/dist.mjs';

const SELF = fileURLToPath(import.meta.url);
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Opens a session and says what it took. */
async function open(file, how, target) {
  const { InferenceSession } = await import('onnxruntime-node');
  const { sessionOptions } = await dist('infer/engine.js');
  const written = how === 'write' ? { optimizedModelFilePath: target } : {};
  // What was optimised must not be optimised again: that is the time to save.
  const options = { ...sessionOptions('cpu', 2, how === 'optimised'), ...written };
  const cpu = process.cpuUsage();
  const started = performance.now();
  await InferenceSession.create(how === 'optimised' ? target : file, options);
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  process.stdout.write(JSON.stringify({ ms, cpuMs: (user + system) / 1000 }), () => process.exit(0));
}

function measure(file, repeats, scratch) {
  const target = join(scratch, basename(file));
  const run = (how) => JSON.parse(execFileSync(process.execPath, [SELF, '--open', how, file, target]).toString());
  run('write');
  const found = { asItIs: [], optimised: [] };
  for (let i = 0; i < repeats; i += 1) for (const how of Object.keys(found)) found[how].push(run(how));
  for (const [how, runs] of Object.entries(found)) {
    const [ms, cpuMs] = ['ms', 'cpuMs'].map((key) => median(runs.map((one) => one[key])).toFixed(1));
    console.log(`${basename(file)}  ${how.padEnd(10)}  ${ms} ms, ${cpuMs} ms of CPU`);
  }
}

const { values, positionals } = parseArgs({
  options: { open: { type: 'string' }, repeats: { type: 'string', default: '15' } },
  allowPositionals: true,
});
if (values.open) await open(positionals[0], values.open, positionals[1]);
else {
  const scratch = mkdtempSync(join(tmpdir(), 'tinysr-start-'));
  try {
    for (const file of positionals) measure(file, Number(values.repeats), scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
