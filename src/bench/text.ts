import type { DeviceReport } from '../infer/providers.js';

/** A number with as many digits as matter. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** A time to wait for people: `41 s`, `14 min`. */
export function timeText(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** Devices that cannot be used, those with the same reason together: `no driver: webgpu; not here: cuda, dml`. */
export function unusableText(devices: readonly DeviceReport[]): string {
  const unusable = devices.filter(({ usable }) => !usable);
  const reasons = [...new Set(unusable.map(({ reason }) => reason))];
  const of = (wanted: string | undefined) => unusable.filter(({ reason }) => reason === wanted);
  return reasons
    .map(
      (reason) =>
        `${reason}: ${of(reason)
          .map(({ provider }) => provider)
          .join(', ')}`,
    )
    .join('; ');
}

/** Lays out columns: the first to the left, numbers to the right. */
export function layOut(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((text, column) => (column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)));
  return rows.map((row) => line(row).join('  ').trimEnd()).join('\n');
}
