import { type Comparison, changesHead, PREDICTED_LEGEND, verdictText, WORDS } from '../compare.js';
import { wasBusy } from '../machine.js';
import { HEADLINE_SIZE } from '../sizes.js';
import { settledText } from '../stream/table.js';
import type { StreamRow } from '../stream/types.js';
import { short, unusableText } from '../text.js';
import type { BenchResult, InferRow, PipelineRow } from '../types.js';
import { fitted } from './fitted.js';
import { htmlTable, section } from './html.js';
import { latencyChart } from './latency-chart.js';
import { numberTables } from './number-tables.js';
import { qualityChart, qualityPoints, qualityTrack, rowsOfOneScale } from './quality-chart.js';
import { type SpeedPoint, speedChart, speedRange } from './speed-chart.js';
import { streamChart } from './stream-chart.js';
import { STYLE } from './style.js';
import { escapeText, seriesColor } from './svg.js';
import { costChart, timelineChart } from './timeline-chart.js';

/** Histograms shown at most. */
const MOST_HISTOGRAMS = 6;

const seriesOf = ({ model, provider }: InferRow | PipelineRow) => `${model}, ${provider}`;
const tile = (value: string, words: string) =>
  `<div class="tile"><b>${escapeText(value)}</b><span>${escapeText(words)}</span></div>`;
const swatch = (color: string) => `<i class="key" style="background:${color}"></i>`;
const key = (stage: string) => `<span class="keys">${swatch(`var(--${stage})`)}${stage}</span>`;
const STAGE_KEY = ['decode', 'infer', 'encode'].map(key).join(' ');

/** The rows that headlines are about: the usual size, or the first. */
function headlineRows<Row extends InferRow | PipelineRow>(rows: readonly Row[]): Row[] {
  const size = rows.some((row) => row.size.name === HEADLINE_SIZE) ? HEADLINE_SIZE : rows[0]?.size.name;
  return rows.filter((row) => row.size.name === size);
}

function tiles(infer: readonly InferRow[], pipeline: readonly PipelineRow[]): string {
  const [line] = headlineRows(pipeline);
  const [run] = headlineRows(infer);
  if (!line || !run) return '';
  const at = `${line.model} on ${line.provider}, ${line.size.name} to ${line.outputWidth}x${line.outputHeight}`;
  const kept = ([60, 30, 24] as const).find((rate) => line.realTime[rate]);
  return `<div class="tiles">${[
    tile(`${short(line.fps.median)} fps`, `file to file${line.basis === 'measured' ? '' : ', predicted'}: ${at}`),
    tile(`${short(run.fps.median)} fps`, `inference alone, ${short(run.latencyMs.p50)} ms a run`),
    tile(kept ? `${kept} fps` : 'not yet', 'real time, of 24, 30 and 60'),
    tile(line.slowest, 'the slowest stage by itself'),
    tile(
      line.overlapEfficiency === null ? '–' : line.overlapEfficiency.toFixed(2),
      'overlap efficiency; 1 wastes nothing',
    ),
  ].join('')}</div>`;
}

function speed(infer: readonly InferRow[], pipeline: readonly PipelineRow[], order: readonly string[]): string {
  const points = (rows: readonly (InferRow | PipelineRow)[]): SpeedPoint[] =>
    rows.map((row) => ({ series: seriesOf(row), size: row.size, fps: row.fps, basis: row.basis }));
  const [alone, whole] = [points(infer), points(pipeline)];
  const range = speedRange([...alone, ...whole]);
  const note = 'Filled marks were measured, hollow ones predicted. The vertical scale is logarithmic.';
  const keys = order.map(
    (series, index) => `<span class="keys">${swatch(seriesColor(index))}${escapeText(series)}</span>`,
  );
  // Narrow charts have no names at the ends of their lines.
  const legend = `<p class="legend narrow">${keys.join(' ')}</p>`;
  const chart = (name: string, shown: readonly SpeedPoint[]) =>
    legend + fitted('middle', (width) => speedChart(name, shown, order, range, width));
  return `<div class="pair">${[
    section('Inference alone', note, chart('Inference by size', alone)),
    section('File to file', 'Decoding, inference and encoding as one line.', chart('Line by size', whole)),
  ].join('')}</div>`;
}

function stages(pipeline: readonly PipelineRow[]): string {
  const shown = headlineRows(pipeline).find(({ timeline }) => timeline.length > 0);
  if (!shown) return '';
  const title = `The line at work: ${shown.model} on ${shown.provider}, ${shown.size.name}`;
  const note =
    `A stretch from the middle of the run${STAGE_KEY}. The number is the batch’s. Decoding is the time a frame was ` +
    'read for, encoding the time the encoder took to accept one.';
  return section(
    title,
    note,
    fitted('wide', (width) => timelineChart(title, shown.timeline, width)),
  );
}

function costs(result: BenchResult, pipeline: readonly PipelineRow[]): string {
  const known = pipeline.filter((row) => row.stages.decode.cpuSecondsPerFrame !== null && row.basis !== 'scaled');
  const { cores } = result.machine;
  const cost = known.length
    ? section(
        'CPU time a frame',
        `Of each stage run by itself, in milliseconds${STAGE_KEY}. ${cores} cores give ${cores * 1000} a second.`,
        fitted('middle', (width) => costChart('CPU time a frame', known, width)),
      )
    : '';
  return cost;
}

function quality(result: BenchResult, infer: readonly InferRow[], order: readonly string[]): string {
  const track = qualityTrack(result.models);
  const rows = rowsOfOneScale(headlineRows(infer));
  const points = track === undefined ? [] : qualityPoints(result.models, rows, track);
  if (track === undefined || !points.length) {
    return section('Quality against speed', 'No model here has a measured quality yet.', '');
  }
  // A model has the colour of its first line in the other charts.
  const color = (model: string) => seriesColor(order.findIndex((series) => series.startsWith(`${model}, `)));
  const [row] = rows;
  const scale = row ? row.outputWidth / row.size.width : 0;
  const note = `Models that enlarge ${scale} times. Up and to the right is better; the dotted line joins those that none beats in both.`;
  const title = 'Quality against speed';
  const chart = fitted('middle', (width) => qualityChart(title, points, track, color, width));
  return section(title, note, chart);
}

function latency(infer: readonly InferRow[], order: readonly string[]): string {
  const rows = headlineRows(infer)
    .filter(({ latencyMs }) => latencyMs.samples.length > 3)
    .slice(0, MOST_HISTOGRAMS);
  if (!rows.length) return '';
  const charts = rows.map(
    (row) =>
      `<div><h3>${escapeText(`${seriesOf(row)}, ${row.size.name}`)}</h3>${latencyChart(row, seriesColor(order.indexOf(seriesOf(row))))}</div>`,
  );
  return section('Latency of a run', 'How many runs took how long.', `<div class="many">${charts.join('')}</div>`);
}

const liveName = ({ model, provider, size, sourceFps }: StreamRow) =>
  `${model} on ${provider}, ${size.name} at ${sourceFps} frames a second`;

function liveTiles([row]: readonly StreamRow[]): string {
  if (!row) return '';
  return `<div class="tiles">${[
    tile(`${short(row.fps.median)} fps`, `out, of ${short(row.fpsIn)} in: ${liveName(row)}`),
    tile(`${row.ageMs.p50.toFixed(0)} ms`, 'age of a frame, median'),
    tile(`${row.ageMs.p95.toFixed(0)} ms`, `age that 95 % keep; the governor’s aim is ${row.targetMs} ms`),
    tile(row.settled ? 'settled' : 'moving', `governor: ${settledText(row)}`),
  ].join('')}</div>`;
}

function live(rows: readonly StreamRow[]): string {
  if (!rows.length) return '';
  const note =
    'Each dot is an upscaled picture; its height is its age, from the moment its frame was due at the bridge. Upright ' +
    'lines are steps of the governor, the dashed line is the age it keeps.';
  const charts = rows.map((row, index) => {
    const name = liveName(row);
    return `<h3>${escapeText(name)}</h3>${fitted('wide', (width) => streamChart(name, row, seriesColor(index), width))}`;
  });
  const head = ['source', 'model, device', 'fps in', 'fps out', 'age p50 ms', 'p95', 'p99', 'displaced', 'paced'];
  const body = rows.map((row) => [
    ...[
      `${row.size.name} at ${row.sourceFps}`,
      `${row.model}, ${row.provider}`,
      short(row.fpsIn),
      short(row.fps.median),
    ],
    ...[row.ageMs.p50, row.ageMs.p95, row.ageMs.p99].map((value) => value.toFixed(0)),
    ...[row.displaced, row.paced, Math.round(row.peakRssBytes / 2 ** 20)].map(String),
    settledText(row),
  ]);
  const table = htmlTable([...head, 'peak MB', 'governor'], body);
  return section('Live', note, charts.join('') + table);
}

function changesTable(result: BenchResult, comparison: Comparison | undefined): string {
  if (!comparison?.changes.length) return '';
  const { before: earlier, changes } = comparison;
  const rows = changes.map((cell) => [
    ...[cell.model, cell.provider, cell.size, WORDS[cell.what], short(cell.before), short(cell.after)],
    `${cell.change > 0 ? '+' : ''}${(100 * cell.change).toFixed(1)} %`,
    cell.noise === null ? 'predicted' : `±${(100 * cell.noise).toFixed(1)} %`,
    verdictText(cell),
  ]);
  const head = ['model', 'device', 'input', 'what', 'fps before', 'after', 'change', 'noise', 'verdict'];
  const note = [
    ...changesHead(earlier, result),
    ...(changes.some(({ noise }) => noise === null) ? [PREDICTED_LEGEND] : []),
  ];
  return section('Changes', note.map((line) => `${escapeText(line)}.`).join(' '), htmlTable(head, rows));
}

function machine({ machine: found, input, mode, date, seconds, devices }: BenchResult): string {
  const { cpu, cores, instructions, memoryBytes, os, gpu, threads, versions, load } = found;
  const facts: readonly (readonly [string, string])[] = [
    ['CPU', `${cpu}, ${cores} cores, ${instructions.join(' ') || 'instruction sets unknown'}`],
    ['Memory', `${Math.round(memoryBytes / 2 ** 30)} GB`],
    ['GPU', gpu ?? 'no NVIDIA GPU'],
    ['System', os],
    [
      'Versions',
      `tinysr-video ${versions.tinysrVideo}, node ${versions.node}, onnxruntime ${versions.onnxruntime}, ffmpeg ${versions.ffmpeg}`,
    ],
    ['Threads', `${threads} of inference`],
    [
      'Devices',
      [devices.flatMap(({ provider, usable }) => (usable ? [provider] : [])).join(', '), unusableText(devices)]
        .filter(Boolean)
        .join('; '),
    ],
    ['Input', input === 'synthetic' ? 'moving textured pictures made by ffmpeg' : input],
    ['Run', `${mode}, ${seconds.toFixed(0)} s, ${date}; load before ${load.toFixed(1)}`],
  ];
  const list = facts.map(([name, value]) => `<dt>${name}</dt><dd>${escapeText(value)}</dd>`).join('');
  return `<section><h2>Measured on</h2><dl>${list}</dl></section>`;
}

/** A table that a caller adds to the report. */
export interface ReportTable {
  readonly title: string;
  readonly note: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The whole report as one page that needs nothing else. */
export function renderReport(result: BenchResult, comparison?: Comparison, more: readonly ReportTable[] = []): string {
  const right = (row: InferRow) => row.check?.ok !== false;
  const infer = result.infer.filter(right);
  const wrong = new Set(result.infer.filter((row) => !right(row)).map((row) => seriesOf(row) + row.size.name));
  const pipeline = result.pipeline.filter((row) => !wrong.has(seriesOf(row) + row.size.name));
  const order = [...new Set(infer.map(seriesOf))];
  const [line] = headlineRows(pipeline);
  const [stream] = result.stream;
  const title = stream
    ? `Live ${stream.size.name} at ${short(stream.fps.median)} frames a second, ${stream.ageMs.p50.toFixed(0)} ms old`
    : line
      ? `${line.size.name} to ${line.outputWidth}x${line.outputHeight} at ${short(line.fps.median)} frames a second`
      : 'No result';
  // What a table says under its head, for the same reason: others at work make every number smaller.
  const busy = wasBusy(result.machine) ? ' It was busy: expect more of an idle one.' : '';
  const lead = `What tinysr-video does on ${escapeText(result.machine.cpu)} with ${result.machine.cores} cores, and what limits it.${busy}`;
  const body = line
    ? [
        tiles(infer, pipeline),
        speed(infer, pipeline, order),
        stages(pipeline),
        `<div class="pair">${costs(result, pipeline)}${quality(result, infer, order)}</div>`,
        latency(infer, order),
      ]
    : [];
  const added = more.map(({ title: name, note, head, rows }) => section(name, escapeText(note), htmlTable(head, rows)));
  const content = [
    liveTiles(result.stream),
    live(result.stream),
    ...body,
    changesTable(result, comparison),
    numberTables(result),
    ...added,
    machine(result),
  ].join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="generator" content="tinysr-video bench"><title>${escapeText(title)}</title><style>${STYLE}</style></head>
<body><main><h1>${escapeText(title)}</h1><p class="lead">${lead}</p>
${content}
</main></body></html>
`;
}
