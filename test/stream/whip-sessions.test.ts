import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { log } from '#src/shared/log.js';
import { createRelay, type Relay } from '#src/stream/relay.js';
import { pictureOffer } from './offers.js';

const PATIENCE = { timeout: 30_000, interval: 50 };

describe('WHIP and WHEP sessions', { timeout: 120_000 }, () => {
  let relay: Relay;
  beforeAll(async () => {
    log.level = process.env.TINYSR_TEST_LOG ?? 'silent';
    relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0 });
  });
  afterAll(() => relay?.close());

  const post = (path: string, direction: string) =>
    fetch(relay.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body: pictureOffer(direction),
    });

  it('end once; what comes after the end finds nothing', async () => {
    const published = await post('/whip/ends', 'sendonly');
    const watched = await post('/whep/ends?source=original', 'recvonly');
    for (const response of [watched, published]) {
      expect(response.status).toBe(201);
      const session = relay.url + response.headers.get('location');
      const status = async (method: string) => {
        const headers = { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': '*' };
        const body = method === 'PATCH' ? 'a=ice-ufrag:other' : null;
        return (await fetch(session, { method, headers, body })).status;
      };
      // Under the other protocol's name there is no such session, and nothing is ended.
      const [whip, whep] = ['/whip/', '/whep/'];
      const foreign = session.includes(whip) ? session.replace(whip, whep) : session.replace(whep, whip);
      expect((await fetch(foreign, { method: 'DELETE' })).status).toBe(404);
      expect(await Promise.all([status('DELETE'), status('DELETE')])).toContain(200);
      expect([await status('DELETE'), await status('PATCH')]).toEqual([404, 404]);
    }
    expect(relay.state).toMatchObject({ sessions: 0, viewers: 0, transports: 0 });
  });

  it('are not kept for who hangs up before the answer', async () => {
    const { hostname, port } = new URL(relay.url);
    const headers = { 'content-type': 'application/sdp' };
    const asked = request({ hostname, port, path: '/whip/hangs-up', method: 'POST', headers });
    asked.once('error', () => undefined);
    asked.end(pictureOffer('sendonly'));
    await expect.poll(() => relay.state.rooms, { timeout: 10_000, interval: 1 }).toBeGreaterThan(1);
    asked.destroy();
    await sleep(200);
    await expect.poll(() => relay.state, { timeout: 5000, interval: 50 }).toMatchObject({ sessions: 0, transports: 0 });
    // The name is free for the next try.
    const again = await post('/whip/hangs-up', 'sendonly');
    expect(again.status, await again.text()).toBe(201);
    await fetch(relay.url + again.headers.get('location'), { method: 'DELETE' });
  });

  it('are taken, or put off for a moment, when the media worker dies while they are asked for', async () => {
    const statuses = new Set<number>();
    for (let round = 0; round < 12; round += 1) {
      const old = relay.state.workerPid ?? 0;
      const answers = Promise.all([0, 1, 2].map((number) => post(`/whip/dies-${round}-${number}`, 'sendonly')));
      await sleep(round);
      process.kill(old, 'SIGKILL');
      // While it is not known yet that the worker is gone, and before there is another one.
      await sleep(round * 12);
      const late = await post(`/whip/late-${round}`, 'sendonly');
      for (const { status, headers } of [...(await answers), late]) {
        statuses.add(status);
        if (status !== 201) expect(headers.get('retry-after')).toBe('2');
      }
      await expect.poll(() => relay.state.workerPid ?? old, PATIENCE).not.toBe(old);
      await expect.poll(async () => (await post('/whip/next', 'sendonly')).status, PATIENCE).toBe(201);
    }
    expect([...statuses].filter((status) => status !== 201 && status !== 503)).toEqual([]);
    expect(statuses).toContain(503);
  });
});
