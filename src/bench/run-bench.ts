import { scratchFolder } from '../pipeline/spool.js';
import { toTinySRError } from '../shared/errors.js';
import { Budget } from './budget.js';
import { EFFORTS } from './effort.js';
import { describeMachine } from './machine.js';
import { measureFiles } from './measure-files.js';
import { runStreams } from './stream/run-stream.js';
import type { BenchEvent, BenchOptions, BenchResult } from './types.js';

/**
 * Measures models on devices at sizes: inference alone, each stage by itself, and the whole line; or the live path.
 *
 * @param emit told what is under way and each row as it is found
 * @throws TinySRError
 */
export async function runBench(
  options: BenchOptions,
  signal: AbortSignal,
  emit: (event: BenchEvent) => void,
): Promise<BenchResult> {
  const effort = EFFORTS[options.mode];
  const { budgetMs = effort.budgetMs } = options;
  const budget = new Budget(budgetMs, effort.timeoutMs);
  const scratch = await scratchFolder();
  try {
    const machine = await describeMachine(options.threads, signal);
    const context = { options, effort, machine, scratch: scratch.path, signal, emit, budget };
    const found = options.stream ? await runStreams(context, options.stream) : await measureFiles(context);
    return {
      ...{ schema: 'tinysr-video-bench/1', mode: options.mode, date: new Date().toISOString() },
      ...{ seconds: budget.elapsedMs / 1000, machine, input: options.input ?? 'synthetic', ...found },
    };
  } catch (error) {
    throw toTinySRError(error);
  } finally {
    await scratch.remove();
  }
}
