import { layOut, short } from '../text.js';
import type { StreamLevel, StreamRow } from './types.js';

/** How a level reads: `tinysr-nano, 24 fps, 480x270 -> 1920x1080`. */
export function levelText({ model, maxFps, work, output }: StreamLevel): string {
  return `${model}, ${maxFps === null ? 'every frame' : `${maxFps} fps`}, ${work} -> ${output}`;
}

/** Where the governor settled. */
export function settledText({ levels, settled }: StreamRow): string {
  const last = levels.at(-1);
  return last ? `${levelText(last)}${settled ? '' : ' (still moving)'}` : '-';
}

/** The live path for a terminal. */
export function renderStreams(rows: readonly StreamRow[]): string {
  const head = ['model, device', 'source', 'fps in', 'fps out', 'lowest', 'age p50 ms', 'p95', 'p99', 'first ms'];
  const more = ['displaced', 'paced', 'failed', 'RSS MB', 'governor'];
  const body = rows.map((row) => [
    `${row.model}, ${row.provider}`,
    `${row.size.name} at ${row.sourceFps}`,
    ...[row.fpsIn, row.fps.median, row.fps.min].map(short),
    ...[row.ageMs.p50, row.ageMs.p95, row.ageMs.p99, row.firstPictureMs].map((ms) => ms.toFixed(0)),
    ...[row.displaced, row.paced, row.failures, Math.round(row.peakRssBytes / 2 ** 20)].map(String),
    settledText(row),
  ]);
  const [row] = rows;
  return [
    `Live: a source in real time through the bridge of the relay; the last ${row?.windowSeconds} of ${row?.seconds} s`,
    layOut([[...head, ...more], ...body]),
    '',
    `age: from the moment a frame was due at the bridge to its upscaled picture going out; the governor keeps ${row?.targetMs} ms`,
  ].join('\n');
}
