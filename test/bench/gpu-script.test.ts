import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const MEASURE = fileURLToPath(new URL('../../scripts/bench-gpu/measure.mjs', import.meta.url));

/** Rows that the measuring process of `bench:gpu` prints. */
async function measure(request: object): Promise<Record<string, unknown>[]> {
  const { stdout } = await run(process.execPath, [MEASURE, JSON.stringify({ model: 'tinysr-nano', ...request })]);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

// Structure only: what is measured is a device, not this machine.
describe('the checks of bench:gpu', () => {
  it('compare every graph of a model with the CPU', async () => {
    const rows = await measure({ what: 'check', provider: 'cpu', side: 32 });
    expect(rows.map(({ format }) => format).sort()).toEqual(['rgb24', 'rgb48le', 'yuv420p', 'yuv420p10le']);
    for (const row of rows) expect(row).toMatchObject({ ok: true, error: null });
  });

  it('sweep batches, then one and two sessions', async () => {
    const sizes = [{ name: '32x32', width: 32, height: 32 }];
    const rows = await measure({ what: 'sweep', provider: 'cpu', sizes, batches: [1, 3], seconds: 0.05 });
    expect(rows.map(({ sessions, batch, inFlight }) => [sessions, batch, inFlight])).toEqual([
      [1, 1, 2],
      [1, 3, 2],
      [1, 1, 1],
      [2, 1, 1],
      [2, 1, 2],
    ]);
    for (const row of rows) {
      expect(row.error).toBeNull();
      expect(row.fps).toBeGreaterThan(0);
    }
  });
});
