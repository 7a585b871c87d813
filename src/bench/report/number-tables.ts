import { spread } from '../statistics.js';
import { short } from '../text.js';
import type { Basis, BenchResult } from '../types.js';
import { htmlTable, section } from './html.js';

/** Marks of predictions. */
const PREDICTED = { measured: '', 'one-frame': ' *', scaled: ' **' } as const;

const mebibytes = (bytes: number | null) => (bytes === null ? '–' : String(Math.round(bytes / 2 ** 20)));
const ms = (seconds: number | null) => (seconds === null ? '–' : (seconds * 1000).toFixed(1));

/** Every row that was measured or predicted, as numbers. */
export function numberTables({ infer, pipeline }: BenchResult): string {
  if (!infer.length) return '';
  const inferHead = ['model', 'device', 'input', 'fps', '±', 'p50 ms', 'p95', 'p99', 'first run', 'peak MB', 'result'];
  const inferRows = infer.map((row) => [
    ...[row.model, row.provider, row.size.name, short(row.fps.median) + PREDICTED[row.basis]],
    row.basis === 'measured' ? `${(100 * spread(row.fps)).toFixed(1)} %` : '–',
    ...[row.latencyMs.p50, row.latencyMs.p95, row.latencyMs.p99, row.firstRunMs].map(short),
    mebibytes(row.peakRssBytes),
    row.check ? (row.check.ok ? 'right' : 'WRONG') : '–',
  ]);
  const lineHead = [
    'model',
    'device',
    'input',
    'output',
    'fps',
    'decode ms',
    'infer ms',
    'encode ms',
    'overlap',
    'peak MB',
  ];
  const lineRows = pipeline.map((row) => [
    ...[row.model, row.provider, row.size.name, `${row.outputWidth}x${row.outputHeight}`],
    short(row.fps.median) + PREDICTED[row.basis],
    ...[row.stages.decode, row.stages.infer, row.stages.encode].map((stage) => ms(stage.cpuSecondsPerFrame)),
    row.overlapEfficiency === null ? '–' : row.overlapEfficiency.toFixed(2),
    mebibytes(row.peakRssBytes),
  ]);
  const has = (mark: Basis) => [...infer, ...pipeline].some(({ basis }) => basis === mark);
  const notes = [
    'Milliseconds of one run.',
    ...(has('one-frame') ? ['* predicted: inference from one frame, a line from its stages.'] : []),
    ...(has('scaled') ? ['** predicted from another size by the number of pixels.'] : []),
  ];
  return (
    section('All numbers: inference', notes.join(' '), htmlTable(inferHead, inferRows)) +
    section(
      'All numbers: file to file',
      'CPU milliseconds a frame of each stage by itself.',
      htmlTable(lineHead, lineRows),
    )
  );
}
