import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { log } from '#src/shared/log.js';
import { createRelay, type Relay } from '#src/stream/relay.js';
import { type ProcessUse, processTree, readProcess } from '../../scripts/lib/process-tree.mjs';
import { Client, TOKEN } from './client.js';

const PATIENCE = { timeout: 60_000, interval: 20 };

/** Cycles before memory is looked at: what is loaded and cached once is then there. */
const WARM_UP = 60;
const CYCLES = 200;
/** Memory that 200 cycles may add: less than a forgotten router, transport or client of each takes. */
const MOST_WORKER_GROWTH = 4 << 20;
const MOST_HEAP_GROWTH = 4 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const VIDEO = { mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000, parameters: {}, rtcpFeedback: [] };
const AUDIO = { mimeType: 'audio/opus', payloadType: 97, clockRate: 48_000, channels: 2, parameters: {} };

describe('connecting and leaving 200 times', { timeout: 300_000 }, () => {
  let relay: Relay;

  beforeAll(async () => {
    log.level = 'silent';
    relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0, token: TOKEN, maxRooms: 2 });
  });
  afterAll(() => relay?.close());

  /** A room with sound, picture, and two who watch, all of whom leave: in good order, or all at once. */
  async function cycle(number: number): Promise<void> {
    const publisher = new Client(relay);
    const { data } = await publisher.hello('publish');
    const rtp = (codec: object, ssrc: number) => ({ codecs: [codec], encodings: [{ ssrc }], rtcp: { cname: 'c' } });
    const produced = await publisher.ask('produce', { kind: 'video', rtpParameters: rtp(VIDEO, 1) });
    expect(produced).toMatchObject({ ok: true });
    expect(await publisher.ask('produce', { kind: 'audio', rtpParameters: rtp(AUDIO, 2) })).toMatchObject({ ok: true });
    const viewers = [new Client(relay), new Client(relay)];
    for (const viewer of viewers) {
      await viewer.hello('watch', { room: data?.room });
      const wish = { rtpCapabilities: data?.routerRtpCapabilities, sources: ['original', 'upscaled'] };
      expect(await viewer.ask('watch', wish)).toMatchObject({ ok: true });
    }
    // One for each client, and the room's own.
    expect(relay.state.transports).toBe(4);
    const all = [publisher, ...viewers];
    if (number % 2) await Promise.all(all.map((client) => client.close()));
    else for (const client of all) client.socket.terminate();
    const nothing = { peers: 0, viewers: 0, transports: 0, ffmpegPids: [] };
    await expect.poll(() => relay.state, PATIENCE).toMatchObject(nothing);
  }

  const worker = () => readProcess(relay.state.workerPid ?? 0);
  /** What is counted, in this process and in all that it started. */
  function counted(): { readonly processes: number; readonly descriptors: number; readonly ports: number } {
    const tree = processTree(process.pid);
    const sum = (key: 'descriptors' | 'ports') => tree.reduce((total, entry: ProcessUse) => total + entry[key], 0);
    return { processes: tree.length, descriptors: sum('descriptors'), ports: sum('ports') };
  }

  /** Bytes that are still in use. */
  function heap(): number {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  }

  it('leaves no process, port, transport or memory behind', async () => {
    for (let number = 0; number < WARM_UP; number += 1) await cycle(number);
    const before = { ...counted(), worker: worker(), heap: heap() };
    for (let number = 0; number < CYCLES; number += 1) await cycle(number);
    await expect.poll(() => counted().processes, PATIENCE).toBeLessThanOrEqual(before.processes);
    await expect.poll(() => counted().ports, PATIENCE).toBeLessThanOrEqual(before.ports);
    // Files that happen to be open, not one for each cycle.
    await expect.poll(() => counted().descriptors, PATIENCE).toBeLessThan(before.descriptors + 10);
    expect(worker()?.pid).toBe(before.worker?.pid);
    expect((worker()?.rssBytes ?? 0) - (before.worker?.rssBytes ?? 0)).toBeLessThan(MOST_WORKER_GROWTH);
    expect(heap() - before.heap).toBeLessThan(MOST_HEAP_GROWTH);
  });
});
