import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Faults, GOOD_NETWORK } from '../support/udp-proxy.js';
import { table, writeReport } from './report.js';
import type { Sample } from './sample.js';
import { MINUTES, openStage, type Stage } from './stage.js';

const LOOK_MS = 2000;
/** Longest that a viewer may take to see moving pictures again. */
const RECOVERY_MS = 15_000;
/** Frames that count as moving pictures. */
const FLOWING = 8;
/** How long each fault lasts in a run of ten minutes; shorter in a shorter run. */
const LONG_FAULT_MS = Math.min(60_000, MINUTES * 6000);
const CUTS = 3;

interface Trouble {
  readonly name: string;
  readonly faults: Faults;
  readonly lastMs: number;
}

const TROUBLES: readonly Trouble[] = [
  { name: '5 % loss', faults: { loss: 0.05, jitterMs: 0, cut: false }, lastMs: LONG_FAULT_MS },
  { name: '100 ms jitter', faults: { loss: 0, jitterMs: 100, cut: false }, lastMs: LONG_FAULT_MS },
  { name: '5 % loss, 100 ms jitter', faults: { loss: 0.05, jitterMs: 100, cut: false }, lastMs: LONG_FAULT_MS },
  ...Array.from({ length: CUTS }, (_, number) => ({
    ...{ name: `cut of 5 s, ${number + 1}`, faults: { ...GOOD_NETWORK, cut: true }, lastMs: 5000 },
  })),
];

describe('a bad network for minutes', { timeout: (MINUTES + 10) * 60_000 }, () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage({ viewers: 2, proxied: true });
  }, 180_000);
  afterAll(() => stage?.close(), 60_000);

  /** Time until every viewer sees moving pictures and the delay is what it was. */
  async function recovery(): Promise<number> {
    const [started, before] = [performance.now(), await stage.frames()];
    for (;;) {
      const waited = performance.now() - started;
      const { frames, ageMs } = await stage.sample(0);
      if (frames.every((count, i) => count >= (before[i] ?? 0) + FLOWING) && ageMs < 500) return waited;
      if (waited > RECOVERY_MS) return Number.POSITIVE_INFINITY;
      await sleep(100);
    }
  }

  it('every viewer sees moving pictures again, with the delay of before, after each fault', async () => {
    const { proxy } = stage;
    if (!proxy) throw new Error('no proxy');
    const samples: Sample[] = [];
    const rows: Record<string, string>[] = [];
    const recoveries: number[] = [];
    const [started, first] = [performance.now(), await stage.sample(0)];
    for (const { name, faults, lastMs } of TROUBLES) {
      const [lost, passed, from, before] = [
        proxy.counts.lost,
        proxy.counts.passed,
        performance.now(),
        await stage.frames(),
      ];
      proxy.faults = faults;
      const inside: Sample[] = [];
      while (performance.now() - from < lastMs) {
        await sleep(Math.min(LOOK_MS, lastMs));
        inside.push(await stage.sample((performance.now() - started) / 1000));
      }
      proxy.faults = GOOD_NETWORK;
      const seconds = (performance.now() - from) / 1000;
      const shown = inside.at(-1)?.frames.map((count, i) => (count - (before[i] ?? 0)) / seconds) ?? [];
      const [gone, through] = [proxy.counts.lost - lost, proxy.counts.passed - passed];
      const recovered = await recovery();
      recoveries.push(recovered);
      samples.push(...inside);
      rows.push({
        ...{ fault: name, s: seconds.toFixed(0), 'lost %': ((100 * gone) / (gone + through)).toFixed(1) },
        ...{
          'viewers fps': shown.map((fps) => fps.toFixed(1)).join(' '),
          'again after s': (recovered / 1000).toFixed(1),
        },
        ...{ 'age p95 ms, most': Math.max(...inside.map(({ ageP95Ms }) => ageP95Ms)).toFixed(0) },
      });
      // The fault did reach the media, and while it is no cut the picture moves.
      expect(gone + (faults.jitterMs ? through : 0), name).toBeGreaterThan(50);
      if (!faults.cut) for (const fps of shown) expect(fps, `frames a second with ${name}`).toBeGreaterThan(1);
      expect(recovered, `ms until all move again after ${name}`).toBeLessThan(RECOVERY_MS);
      await sleep(5000);
    }
    const last = await stage.sample((performance.now() - started) / 1000);
    console.log(`\n${table(rows)}\n`);
    writeReport('out/soak-faults.json', 'faults', { rows, recoveries, samples: [...samples, last] });
    expect(last.transports).toBe(first.transports);
    expect(last.ports).toBe(first.ports);
    expect(last.processes).toBe(first.processes);
    stage.browser.check();
  });
});
