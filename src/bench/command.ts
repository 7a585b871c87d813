import { writeFile } from 'node:fs/promises';
import { TinySRError } from '../shared/errors.js';
import { compareResults, readResult, renderChanges } from './compare.js';
import { parseBenchOptions } from './parse-options.js';
import { renderReport } from './report/page.js';
import { runBench } from './run-bench.js';
import { renderTable } from './table.js';
import { Teller } from './teller.js';

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
  const teller = new Teller(process.stderr);
  const result = await runBench(options, signal, (event) => teller.event(event)).finally(() => teller.end());
  const changes = old && compareResults(old, result);
  if (report !== undefined) await writeReport(report, renderReport(result, old && changes && { before: old, changes }));
  if (json) {
    process.stdout.write(`${JSON.stringify(changes ? { ...result, changes } : result, null, 2)}\n`);
    return;
  }
  process.stdout.write(renderTable(result));
  if (old && changes) process.stdout.write(`\n${renderChanges(old, result, changes)}`);
  if (report !== undefined) process.stdout.write(`\n${report}\n`);
}
