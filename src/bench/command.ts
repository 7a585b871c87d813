import { rm, writeFile } from 'node:fs/promises';
import { TinySRError } from '../shared/errors.js';
import { compareResults, readResult, renderChanges } from './compare.js';
import { parseBenchOptions } from './parse-options.js';
import { renderReport } from './report/page.js';
import { runBench } from './run-bench.js';
import { renderTable } from './table.js';
import { Teller } from './teller.js';

/** @throws TinySRError `TSR_OUTPUT_UNWRITABLE` */
async function writeReport(file: string, page: string, flag: 'w' | 'a' = 'w'): Promise<void> {
  await writeFile(file, page, { flag }).catch((cause: unknown) => {
    throw new TinySRError('TSR_OUTPUT_UNWRITABLE', `${file}: the report cannot be written`, {
      hint: 'Does its folder exist, and may you write there?',
      cause,
    });
  });
}

/**
 * Makes sure that a report can be written, as what would fail at the end shall fail at the start.
 *
 * @returns whether that made the file
 * @throws TinySRError `TSR_OUTPUT_UNWRITABLE`
 */
async function tryReport(file: string): Promise<boolean> {
  const made = await writeFile(file, '', { flag: 'wx' }).then(
    () => true,
    () => false,
  );
  if (!made) await writeReport(file, '', 'a');
  return made;
}

/**
 * `tinysr-video bench`: measures, and prints to stdout.
 *
 * @param values parsed options, keyed as in `BENCH_OPTIONS`
 * @throws TinySRError
 */
export async function runBenchCommand(values: Record<string, unknown>, signal: AbortSignal): Promise<void> {
  const { options, json, report, compare } = parseBenchOptions(values);
  const old = compare === undefined ? undefined : await readResult(compare);
  const made = report !== undefined && (await tryReport(report));
  const teller = new Teller(process.stderr);
  const measure = async () => {
    const result = await runBench(options, signal, (event) => teller.event(event)).finally(() => teller.end());
    const changes = old && compareResults(old, result);
    const comparison = old && changes && { before: old, changes };
    if (report !== undefined) await writeReport(report, renderReport(result, comparison));
    return { result, comparison };
  };
  const { result, comparison } = await measure().catch(async (error: unknown) => {
    if (made) await rm(report, { force: true });
    throw error;
  });
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...result, changes: comparison?.changes }, null, 2)}\n`);
    return;
  }
  process.stdout.write(renderTable(result));
  if (comparison) process.stdout.write(`\n${renderChanges(comparison.before, result, comparison.changes)}`);
  if (report !== undefined) process.stdout.write(`\n${report}\n`);
}
