/** Frame-rate benchmark: what will I get on this machine, and what limits me? */
export { BENCH_OPTIONS } from './cli-options.js';
export { runBenchCommand } from './command.js';
export { type Change, type Comparison, compareResults, type OldResult, readResult, renderChanges } from './compare.js';
export type { Machine } from './machine.js';
export { type ReportTable, renderReport } from './report/page.js';
export { runBench } from './run-bench.js';
export { NAMED_SIZES, parseSize } from './sizes.js';
export type { Measured } from './statistics.js';
export type * from './stream/types.js';
export { renderTable } from './table.js';
export type * from './types.js';
