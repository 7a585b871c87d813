import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { log } from '#src/shared/log.js';
import { createRelay, type Relay } from '#src/stream/relay.js';
import { makeCertificate, RtcClient } from '../../scripts/load/rtc-client.mjs';
import { testFolder } from '../support/folder.js';
import { Client } from './client.js';
import { pictureOffer } from './offers.js';

const PATIENCE = { timeout: 90_000, interval: 100 };
const VP8 = { mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000, parameters: {}, rtcpFeedback: [] };

const folder = testFolder();

describe('who has no media connection', { timeout: 200_000 }, () => {
  let relay: Relay;
  beforeAll(async () => {
    log.level = process.env.TINYSR_TEST_LOG ?? 'silent';
    relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0 });
  });
  afterAll(() => relay?.close());

  /** A page that publishes a picture, as far as signalling goes. */
  async function publisher(room: string, ssrc: number) {
    const client = new Client(relay);
    const { data } = await client.hello('publish', { room });
    const rtpParameters = { codecs: [VP8], encodings: [{ ssrc }], rtcp: { cname: 'c' } };
    expect(await client.ask('produce', { kind: 'video', rtpParameters })).toMatchObject({ ok: true });
    return { client, data };
  }

  /** A page whose media connects. */
  async function connected(room: string, ssrc: number) {
    const { client, data } = await publisher(room, ssrc);
    const certificate = await makeCertificate(folder.path);
    const rtc = new RtcClient(certificate, { consent: true, reports: true });
    const fingerprints = [{ algorithm: 'sha-256', value: certificate.fingerprint }];
    const dtlsParameters = { role: 'client', fingerprints };
    expect(await client.ask('connect', { dtlsParameters })).toMatchObject({ ok: true });
    const transport = data?.transport as {
      iceParameters: { usernameFragment: string; password: string };
      iceCandidates: { protocol: string; address: string; port: number }[];
    };
    const { usernameFragment: ufrag, password } = transport.iceParameters;
    const candidate = transport.iceCandidates.find(({ protocol }) => protocol === 'udp');
    await rtc.connect({ host: candidate?.address ?? '', port: candidate?.port ?? 0, ufrag, password });
    return { client, rtc };
  }

  async function viewer(room: string, watches: boolean) {
    const client = new Client(relay);
    const { data } = await client.hello('watch', { room });
    const wish = { rtpCapabilities: data?.routerRtpCapabilities, sources: ['original', 'upscaled'] };
    if (watches) expect(await client.ask('watch', wish)).toMatchObject({ ok: true });
    return client;
  }

  it('is told so and makes way, from the beginning or after it was lost; who waits for a publisher stays', async () => {
    const stays = await connected('stays', 1);
    const lost = await connected('lost', 2);
    const never = await publisher('never', 3);
    const watches = await viewer('stays', true);
    const silent = await viewer('stays', false);
    const waits = await viewer('waits', true);
    const post = (path: string, body: string) =>
      fetch(relay.url + path, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body });
    expect((await post('/whip/program', pictureOffer('sendonly'))).status).toBe(201);
    expect((await post('/whep/stays?source=original', pictureOffer('recvonly'))).status).toBe(201);
    expect(relay.state).toMatchObject({ sessions: 2, viewers: 3 });
    lost.rtc.close();
    const closed = (client: Client) => client.closed;
    expect(await Promise.all([silent, never.client, watches, lost.client].map(closed))).toEqual([
      4000, 4014, 4014, 4014,
    ]);
    expect(never.client.farewell).toBe('no media connection came about in 30 s');
    // Nobody has to wait for the name of a room that was never seen.
    const next = new Client(relay);
    expect(await next.hello('publish', { room: 'never' })).toMatchObject({ ok: true });
    await next.close();
    await expect.poll(() => relay.state, PATIENCE).toMatchObject({ sessions: 0, viewers: 1 });
    expect(stays.client.socket.readyState).toBe(WebSocket.OPEN);
    expect(waits.socket.readyState).toBe(WebSocket.OPEN);
    await Promise.all([stays.client.close(), waits.close()]);
    stays.rtc.close();
    await expect.poll(() => relay.state, PATIENCE).toMatchObject({ peers: 0, viewers: 0, transports: 0 });
  });
});
