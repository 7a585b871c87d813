import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate, RtcClient } from '../../scripts/load/rtc-client.mjs';
import { encodeClip, sendForever } from '../../scripts/load/stream.mjs';
import { publish, watch } from '../../scripts/load/whip.mjs';
import { type RelayProcess, startRelayProcess } from './relay-process.js';
import { table, trend, writeReport } from './report.js';
import { type Sample, takeSample } from './sample.js';
import { MINUTES } from './stage.js';

/** 200 in a run of ten minutes. */
const CYCLES = Math.max(20, Math.round(MINUTES * 20));
/** Packets that a viewer must get before it leaves: some pictures. */
const ENOUGH = 20;
const PATIENCE_MS = 60_000;
/** Longer than the relay goes on upscaling for nobody, so that all must be gone after it. */
const GONE_MS = 20_000;

describe(`${CYCLES} publishers and viewers who come and leave, with pictures`, { timeout: CYCLES * 20_000 }, () => {
  let relay: RelayProcess;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tinysr-soak-'));
    relay = await startRelayProcess(['--max-rooms', '4']);
  }, PATIENCE_MS);
  afterAll(async () => {
    await relay?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }, PATIENCE_MS);

  async function until(what: string, holds: () => boolean | Promise<boolean>, patienceMs = PATIENCE_MS): Promise<void> {
    for (const started = performance.now(); !(await holds()); await sleep(50)) {
      if (performance.now() - started > patienceMs) throw new Error(`in vain: ${what}`);
    }
  }

  it('leave nothing behind', async () => {
    const certificate = await makeCertificate(folder);
    const clip = await encodeClip('VP8', '160x90', 200_000, folder);
    const samples: Sample[] = [];
    const started = performance.now();
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const room = `cycle-${cycle}`;
      const [publisher, upscaled, original] = [1, 2, 3].map(() => new RtcClient(certificate));
      if (!publisher || !upscaled || !original) throw new Error('no clients');
      const sessions = [await publish(publisher, relay.url, room, 1 + cycle)];
      const end = await sendForever(clip, 96, 1 + cycle, (packet) => publisher.send(packet));
      sessions.push(await watch(upscaled, relay.url, room, 'upscaled'));
      sessions.push(await watch(original, relay.url, room, 'original'));
      for (const client of [upscaled, original]) {
        await until(`pictures in cycle ${cycle}`, () => client.counts.packets > ENOUGH);
      }
      end();
      for (const session of sessions.reverse()) await fetch(session, { method: 'DELETE' });
      for (const client of [publisher, upscaled, original]) client.close();
      // The relay and its media worker, nothing else.
      const look = () => takeSample(relay, (performance.now() - started) / 1000, []);
      await until(
        `an empty relay after cycle ${cycle}`,
        async () => {
          const { processes, transports } = await look();
          return processes === 2 && transports === 0;
        },
        GONE_MS,
      );
      samples.push(await look());
    }
    writeReport('out/soak-cycles.json', 'cycles', { cycles: CYCLES, samples });
    console.log(`\n${table(rowsOf(samples))}\n`);

    const flat = (what: string, figure: (sample: Sample) => number, more: number) => {
      const { early, late } = trend(samples, figure);
      expect(late, `${what} at the end, ${early.toFixed(1)} before`).toBeLessThanOrEqual(early + more);
    };
    flat('ports', ({ ports }) => ports, 0);
    flat('descriptors', ({ descriptors }) => descriptors, 3);
    flat('MB of the media worker', ({ workerMb }) => workerMb, 3);
    flat('MB of the relay', ({ relayMb }) => relayMb, 40);
  });
});

/** Ten lines: the relay after as many cycles. */
function rowsOf(samples: readonly Sample[]): Record<string, string>[] {
  const step = Math.ceil(samples.length / 10);
  return samples.flatMap((sample, index) => {
    const cycles = index + 1;
    if (cycles % step !== 0 && cycles !== samples.length && index > 0) return [];
    const { seconds, relayMb, workerMb, processes, ports, descriptors, transports } = sample;
    return [
      {
        ...{
          cycles: String(cycles),
          s: seconds.toFixed(0),
          'relay MB': relayMb.toFixed(0),
          'worker MB': workerMb.toFixed(1),
        },
        ...{ processes: String(processes), ports: String(ports), descriptors: String(descriptors) },
        transports: String(transports),
      },
    ];
  });
}
