import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Faults, GOOD_NETWORK, type UdpProxy } from '../support/udp-proxy.js';
import { median, table, writeReport } from './report.js';
import type { Sample } from './sample.js';
import { MINUTES, openStage, type Stage } from './stage.js';

const LOOK_MS = 2000;
/** Longest that a viewer may take to see moving pictures again. */
const RECOVERY_MS = 20_000;
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

interface Outcome extends Pick<Trouble, 'name' | 'faults'> {
  readonly seconds: number;
  readonly lost: number;
  readonly passed: number;
  /** Frames a second that each viewer decoded meanwhile. */
  readonly shown: readonly number[];
  readonly before: Sample;
  readonly samples: readonly Sample[];
  readonly recoveredMs: number;
}

const TROUBLES: readonly Trouble[] = [
  { name: '5 % loss', faults: { loss: 0.05, jitterMs: 0, cut: false }, lastMs: LONG_FAULT_MS },
  { name: '100 ms jitter', faults: { loss: 0, jitterMs: 100, cut: false }, lastMs: LONG_FAULT_MS },
  { name: '5 % loss, 100 ms jitter', faults: { loss: 0.05, jitterMs: 100, cut: false }, lastMs: LONG_FAULT_MS },
  ...Array.from({ length: CUTS }, (_, number) => ({
    ...{ name: `cut of 5 s, ${number + 1}`, faults: { ...GOOD_NETWORK, cut: true }, lastMs: 5000 },
  })),
  // Longer than the relay waits for a sign of life: the connection has to be found again, not only used again.
  { name: 'cut of 20 s', faults: { ...GOOD_NETWORK, cut: true }, lastMs: 20_000 },
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

  /** Makes trouble, and waits until it is over. */
  async function endure(proxy: UdpProxy, { name, faults, lastMs }: Trouble): Promise<Outcome> {
    const before = await stage.sample(0);
    const [counted, from] = [{ ...proxy.counts }, performance.now()];
    const seconds = () => (performance.now() - from) / 1000;
    const samples: Sample[] = [];
    proxy.faults = faults;
    while (seconds() * 1000 < lastMs) {
      await sleep(Math.min(LOOK_MS, lastMs - seconds() * 1000));
      samples.push(await stage.sample(seconds()));
    }
    proxy.faults = GOOD_NETWORK;
    const lost = proxy.counts.lost - counted.lost;
    const passed = proxy.counts.passed - counted.passed;
    const shown = samples.at(-1)?.frames.map((count, i) => (count - (before.frames[i] ?? 0)) / seconds()) ?? [];
    return { name, faults, seconds: seconds(), lost, passed, shown, before, samples, recoveredMs: await recovery() };
  }

  it('every viewer sees moving pictures again, with the delay of before, after each fault', async () => {
    const { proxy } = stage;
    if (!proxy) throw new Error('no proxy');
    const first = await stage.sample(0);
    const outcomes: Outcome[] = [];
    for (const trouble of TROUBLES) {
      outcomes.push(await endure(proxy, trouble));
      await sleep(5000);
    }
    const last = await stage.sample(0);
    writeReport('out/soak-faults.json', 'faults', { first, outcomes, last });
    console.log(`\n${table(outcomes.map(rowOf))}\n`);

    for (const { name, faults, lost, passed, shown, recoveredMs } of outcomes) {
      // The fault did reach the media, and while it is no cut the picture moves.
      expect(faults.jitterMs > 0 ? passed : lost, `packets: ${name}`).toBeGreaterThan(50);
      if (!faults.cut) for (const fps of shown) expect(fps, `frames a second: ${name}`).toBeGreaterThan(1);
      expect(recoveredMs, `ms until all move again: ${name}`).toBeLessThan(RECOVERY_MS);
    }
    for (const what of ['transports', 'ports', 'processes'] as const) expect(last[what], what).toBe(first[what]);
    stage.browser.check();
  });
});

function rowOf({ name, seconds, lost, passed, shown, before, samples, recoveredMs }: Outcome): Record<string, string> {
  const since = (figure: (sample: Sample) => number) => figure(samples.at(-1) ?? before) - figure(before);
  return {
    ...{ fault: name, s: seconds.toFixed(0), 'lost %': ((100 * lost) / (lost + passed)).toFixed(1) },
    'viewers fps': shown.map((fps) => fps.toFixed(1)).join(' '),
    'fps in': median(samples.map(({ fpsIn }) => fpsIn)).toFixed(1),
    size: median(samples.map(({ sizeShare }) => sizeShare)).toFixed(2),
    'never came': since(({ packetsLost }) => packetsLost).toFixed(0),
    'key frames': since(({ keyRequests }) => keyRequests).toFixed(0),
    'opened again': since(({ failures }) => failures).toFixed(0),
    'age ms': median(samples.map(({ ageMs }) => ageMs)).toFixed(0),
    'p95 ms': median(samples.map(({ ageP95Ms }) => ageP95Ms)).toFixed(0),
    'again after s': (recoveredMs / 1000).toFixed(1),
  };
}
