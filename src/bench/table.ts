import { wasBusy } from './machine.js';
import { spread } from './statistics.js';
import { renderStreams } from './stream/table.js';
import { layOut, short, unusableText } from './text.js';
import type { Basis, BenchResult, InferRow, PipelineRow } from './types.js';

/** Marks of predictions, explained under a table. */
const MARKS: Readonly<Record<Basis, string>> = { measured: '', 'one-frame': '*', scaled: '**' };

const LEGEND: Readonly<Record<Exclude<Basis, 'measured'>, string>> = {
  'one-frame':
    '*   predicted: inference from one frame, a line from its stages and the overlap of one that was measured',
  scaled: '**  predicted from another size by the number of pixels; --full takes the time to measure all',
};

const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;
const mebibytes = (bytes: number | null) => (bytes === null ? '-' : String(Math.round(bytes / 2 ** 20)));

function checkText({ check, basis }: InferRow): string {
  if (!check) return basis === 'scaled' ? 'see **' : '-';
  return check.ok ? 'right' : 'WRONG';
}

function inferTable(rows: readonly InferRow[]): string {
  const head = ['model, device', 'input', 'fps', '+-', 'p50 ms', 'p95', 'p99', 'first', 'batch', 'RSS MB', 'device MB'];
  const body = rows.map((row) => [
    `${row.model}, ${row.provider}`,
    row.size.name,
    short(row.fps.median) + MARKS[row.basis],
    row.basis === 'measured' ? percent(spread(row.fps)) : '-',
    ...[row.latencyMs.p50, row.latencyMs.p95, row.latencyMs.p99, row.firstRunMs].map(short),
    String(row.batch),
    mebibytes(row.peakRssBytes),
    mebibytes(row.deviceMemoryBytes),
    checkText(row),
  ]);
  return layOut([[...head, 'result'], ...body]);
}

function cpuText(row: PipelineRow): string {
  const { decode, infer, encode } = row.stages;
  const parts = [decode, infer, encode].map(({ cpuSecondsPerFrame: seconds }) =>
    seconds === null ? '-' : (seconds * 1000).toFixed(1),
  );
  return parts.join(' / ');
}

function realTimeText({ realTime }: PipelineRow): string {
  const kept = ([24, 30, 60] as const).filter((rate) => realTime[rate]);
  return kept.length ? kept.join(', ') : 'no';
}

function pipelineTable(rows: readonly PipelineRow[]): string {
  const head = ['model, device', 'input -> output', 'fps', '+-', 'decode', 'infer', 'encode fps', 'CPU ms/frame d/i/e'];
  const body = rows.map((row) => [
    `${row.model}, ${row.provider}`,
    `${row.size.name} -> ${row.outputWidth}x${row.outputHeight}`,
    short(row.fps.median) + MARKS[row.basis],
    row.basis === 'measured' ? percent(spread(row.fps)) : '-',
    ...[row.stages.decode, row.stages.infer, row.stages.encode].map(({ fps }) => short(fps)),
    cpuText(row),
    row.overlapEfficiency === null ? '-' : row.overlapEfficiency.toFixed(2),
    realTimeText(row),
    mebibytes(row.peakRssBytes),
  ]);
  return layOut([[...head, 'overlap', 'real time', 'RSS MB'], ...body]);
}

/** The machine in two lines. */
export function machineLines({ machine, input, mode }: BenchResult): string[] {
  const { cpu, cores, instructions, memoryBytes, os, gpu, threads, versions, load } = machine;
  const memory = `${Math.round(memoryBytes / 2 ** 30)} GB`;
  return [
    `${cpu}, ${cores} cores (${instructions.join(' ') || 'instruction sets unknown'}), ${memory}, ${gpu ?? 'no NVIDIA GPU'}, ${os}`,
    `tinysr-video ${versions.tinysrVideo}, node ${versions.node}, onnxruntime ${versions.onnxruntime}, ffmpeg ${versions.ffmpeg}; ` +
      `${threads} threads; ${mode} run, input ${input}; load before ${load.toFixed(1)}`,
  ];
}

/** Everything for a terminal. */
export function renderTable(result: BenchResult): string {
  const { infer, pipeline, stream, devices, machine } = result;
  const unusable = unusableText(devices);
  const legend = (['one-frame', 'scaled'] as const)
    .filter((mark) => [...infer, ...pipeline].some(({ basis }) => basis === mark))
    .map((mark) => LEGEND[mark]);
  return [
    ...machineLines(result),
    ...(unusable ? [`devices not measured: ${unusable}`] : []),
    ...(wasBusy(machine) ? ['this machine was busy: expect higher numbers on an idle one'] : []),
    '',
    ...(infer.length ? ['Inference alone', inferTable(infer), ''] : []),
    ...(pipeline.length
      ? ['Decode -> infer -> encode; each stage by itself, then all of them as one line', pipelineTable(pipeline)]
      : []),
    ...(stream.length ? [renderStreams(stream)] : []),
    ...(legend.length ? ['', ...legend] : []),
    '',
  ].join('\n');
}
