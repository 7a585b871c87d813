import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { dirname } from 'node:path';
import type { Sample } from './sample.js';

/** The middle one of some values. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** What a figure was early and late in a run: medians of the second fifth and of the last one. */
export function trend(
  samples: readonly Sample[],
  figure: (sample: Sample) => number,
): { readonly early: number; readonly late: number } {
  const fifth = Math.max(1, Math.floor(samples.length / 5));
  // The first fifth is left out: sessions are opened and caches filled in it.
  const early = samples.slice(fifth, 2 * fifth);
  const late = samples.slice(-fifth);
  return { early: median(early.map(figure)), late: median(late.map(figure)) };
}

/** One line a minute (or a tenth of a shorter run): medians of what was seen in it. */
export function soakTable(samples: readonly Sample[]): string {
  const total = samples.at(-1)?.seconds ?? 0;
  const step = Math.min(60, Math.max(1, total / 10));
  const rows: Record<string, string>[] = [];
  let [before] = samples;
  for (let from = 0; from < total; from += step) {
    const inside = samples.filter(({ seconds }) => seconds > from && seconds <= from + step);
    const last = inside.at(-1);
    if (!last) continue;
    const since: Sample = before ?? last;
    const of = (figure: (sample: Sample) => number, digits = 0) => median(inside.map(figure)).toFixed(digits);
    const span = Math.max(1, last.seconds - since.seconds);
    before = last;
    rows.push({
      's to': last.seconds.toFixed(0),
      'relay MB': of(({ relayMb }) => relayMb),
      'worker MB': of(({ workerMb }) => workerMb, 1),
      'ffmpeg MB': of(({ ffmpegMb }) => ffmpegMb),
      'age ms': of(({ ageMs }) => ageMs),
      'p95 ms': of(({ ageP95Ms }) => ageP95Ms),
      'fps in': of(({ fpsIn }) => fpsIn, 1),
      'fps out': of(({ fpsOut }) => fpsOut, 1),
      size: of(({ sizeShare }) => sizeShare, 2),
      'CPU %': (((last.cpuSeconds - since.cpuSeconds) / span) * 100).toFixed(0),
      'viewers fps': last.frames.map((count, i) => ((count - (since.frames[i] ?? 0)) / span).toFixed(1)).join(' '),
      'proc/ports/transp': `${last.processes}/${last.ports}/${last.transports}`,
    });
  }
  return table(rows);
}

/** Aligned columns. */
export function table(rows: readonly Readonly<Record<string, string>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const widths = names.map((name) => Math.max(name.length, ...rows.map((row) => row[name]?.length ?? 0)));
  const line = (cells: readonly string[]) => cells.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  ');
  return [line(names), ...rows.map((row) => line(names.map((name) => row[name] ?? '')))].join('\n');
}

/** Writes what was seen, and on what machine. */
export function writeReport(file: string, name: string, result: object): void {
  mkdirSync(dirname(file), { recursive: true });
  const machine = { cpu: cpus()[0]?.model.trim(), cores: availableParallelism(), load: loadavg() };
  const report = { schema: `tinysr-video-soak-${name}/1`, date: new Date().toISOString(), machine, ...result };
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
}
