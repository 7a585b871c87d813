import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { soakTable, trend, writeReport } from './report.js';
import type { Sample } from './sample.js';
import { MINUTES, openStage, type Stage } from './stage.js';

const VIEWERS = 3;
/** How often the relay is looked at. */
const LOOK_MS = 5000;
/** The delay that nothing may exceed for long, whatever the machine does besides. */
const HARD_BOUND_MS = 1000;

describe(`one publisher and ${VIEWERS} viewers for ${MINUTES} minutes`, { timeout: (MINUTES + 5) * 60_000 }, () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage({ viewers: VIEWERS, proxied: false });
  }, 180_000);
  afterAll(() => stage?.close(), 60_000);

  it('keeps memory, delay, processes, ports and transports flat, and no viewer gets stuck', async () => {
    const samples: Sample[] = [await stage.sample(0)];
    const started = performance.now();
    const elapsed = () => (performance.now() - started) / 1000;
    while (elapsed() < MINUTES * 60) {
      await sleep(LOOK_MS);
      expect(stage.relay.ended()).toBeUndefined();
      samples.push(await stage.sample(elapsed()));
    }
    writeReport('out/soak-steady.json', 'steady', { minutes: MINUTES, viewers: VIEWERS, samples });
    console.log(`\n${soakTable(samples)}\n`);

    for (const [index, { frames, seconds }] of samples.slice(1).entries()) {
      for (const [viewer, count] of frames.entries()) {
        const before = samples[index]?.frames[viewer] ?? 0;
        expect(count, `frames of viewer ${viewer + 1} at ${seconds.toFixed(0)} s`).toBeGreaterThan(before);
      }
    }
    const flat = (what: string, figure: (sample: Sample) => number, share: number, more: number) => {
      const { early, late } = trend(samples, figure);
      expect(late, `${what} at the end, ${early.toFixed(1)} before`).toBeLessThanOrEqual(early * (1 + share) + more);
    };
    // Which of its three sessions the governor has opened last, and how large, changes with the machine's other work.
    flat('MB of the relay', ({ relayMb }) => relayMb, 0.1, 64);
    flat('MB of the media worker', ({ workerMb }) => workerMb, 0.1, 4);
    flat('MB of ffmpeg', ({ ffmpegMb }) => ffmpegMb, 0.1, 8);
    flat('ms of frame age', ({ ageMs }) => ageMs, 0.5, 50);
    flat('processes', ({ processes }) => processes, 0, 0);
    flat('ports', ({ ports }) => ports, 0, 0);
    flat('transports', ({ transports }) => transports, 0, 0);
    flat('descriptors', ({ descriptors }) => descriptors, 0, 4);
    const late = samples.filter(({ ageP95Ms }) => ageP95Ms > HARD_BOUND_MS);
    expect(late.length / samples.length, 'share of looks with a p95 above the hard bound').toBeLessThan(0.05);
    stage.browser.check();
  });
});
