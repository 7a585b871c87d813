import { writeFile } from 'node:fs/promises';
import { TinySRError } from '../shared/errors.js';
import { compareResults, readResult, renderChanges } from './compare.js';
import { parseBenchOptions } from './parse-options.js';
import { renderReport } from './report/page.js';
import { runBench } from './run-bench.js';
import { renderTable } from './table.js';
import { short } from './text.js';
import type { BenchEvent } from './types.js';

/** What is under way, on stderr: stdout holds results only. */
function tell(event: BenchEvent): void {
  if (event.type === 'cell') process.stderr.write(`[${event.number}/${event.total}] ${event.label}\n`);
  if (event.type === 'warning') process.stderr.write(`warning: ${event.message}\n`);
  if (event.type === 'stream') {
    const { fpsIn, fps, ageMs } = event.row;
    const age = `half of them within ${ageMs.p50.toFixed(0)} ms, 95 % within ${ageMs.p95.toFixed(0)} ms`;
    process.stderr.write(`      ${short(fps.median)} of ${short(fpsIn)} fps, ${age}\n`);
  }
  if (event.type === 'pipeline') {
    const { fps, overlapEfficiency: overlap, basis } = event.row;
    const more = overlap === null ? (basis === 'measured' ? '' : ', predicted') : `, overlap ${overlap.toFixed(2)}`;
    process.stderr.write(`      ${short(fps.median)} fps end to end${more}\n`);
  }
}

async function writeReport(file: string, page: string, flag: 'w' | 'a' = 'w'): Promise<void> {
  await writeFile(file, page, { flag }).catch((cause: unknown) => {
    throw new TinySRError('TSR_OUTPUT_UNWRITABLE', `${file}: the report cannot be written`, {
      hint: 'Does its folder exist, and may you write there?',
      cause,
    });
  });
}

/**
 * `tinysr-video bench`: measures, and prints to stdout.
 *
 * @param values parsed options, keyed as in `BENCH_OPTIONS`
 * @throws TinySRError
 */
export async function runBenchCommand(values: Record<string, unknown>, signal: AbortSignal): Promise<void> {
  const { options, json, report, compare } = parseBenchOptions(values);
  // What would fail at the end fails at the start.
  const old = compare === undefined ? undefined : await readResult(compare);
  if (report !== undefined) await writeReport(report, '', 'a');
  const result = await runBench(options, signal, tell);
  const changes = old && compareResults(old, result);
  if (report !== undefined) await writeReport(report, renderReport(result, changes));
  if (json) {
    process.stdout.write(`${JSON.stringify(changes ? { ...result, changes } : result, null, 2)}\n`);
    return;
  }
  process.stdout.write(renderTable(result));
  if (old && changes) process.stdout.write(`\n${renderChanges(old, result, changes)}`);
  if (report !== undefined) process.stdout.write(`\n${report}\n`);
}
