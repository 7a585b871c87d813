import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { observer, type types } from 'mediasoup';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { log } from '#src/shared/log.js';
import { bindingRequest } from '#src/stream/media/stun.js';
import { createRelay, type Relay } from '#src/stream/relay.js';

const PATIENCE = { timeout: 60_000, interval: 100 };
const UFRAG = 'client';

/** An offer of VP8 by somebody who will never shake hands. */
const OFFER = [
  ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0'],
  ...[
    'a=mid:0',
    'a=sendonly',
    'a=rtcp-mux',
    'a=setup:active',
    `a=ice-ufrag:${UFRAG}`,
    'a=ice-pwd:of-no-use-to-the-relay',
  ],
  ...[`a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=rtpmap:96 VP8/90000', 'a=ssrc:1 cname:client', ''],
].join('\r\n');

/** What the worker takes for encrypted media: the head of an RTP packet. */
const MEDIA = Buffer.from('806000010000000000000001', 'hex');

/** Framed as in RFC 4571: its length first. */
function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** A WHIP client as far as ICE goes, over TCP: it checks and sends twice a second. */
class TcpClient {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  /** Checks that were sent. */
  checks = 0;
  /** Bytes of an answer to one; 0 before the first. */
  answerBytes = 0;

  constructor(socket: Socket, ufrag: string, password: string) {
    this.#socket = socket;
    socket.once('data', (data) => {
      this.answerBytes = data.readUInt16BE(0);
    });
    const live = () => {
      this.checks += 1;
      socket.write(framed(bindingRequest({ ufrag, password, from: UFRAG, nominate: true })));
      socket.write(framed(MEDIA));
    };
    live();
    this.#timer = setInterval(live, 500);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }
}

describe('a WHIP client over TCP', { timeout: 200_000 }, () => {
  let relay: Relay;
  let transport: types.WebRtcTransport;
  /** Addresses that media went to, one after the other, and when; then the end. */
  const story: { readonly what: string; readonly atMs: number }[] = [];

  beforeAll(async () => {
    log.level = process.env.TINYSR_TEST_LOG ?? 'silent';
    const tell = (what: string) => story.push({ what, atMs: performance.now() });
    const follow = (opened: types.Transport) => {
      transport = opened as types.WebRtcTransport;
      transport.on('iceselectedtuplechange', ({ protocol }) => tell(protocol));
      transport.observer.once('close', () => tell('end'));
    };
    observer.once('newworker', (worker) =>
      worker.observer.once('newrouter', (router) => router.observer.once('newtransport', follow)),
    );
    relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0 });
  });
  afterAll(() => relay?.close());

  it('is gone when its connection closes, although the relay vouched for it from an address of its own', async () => {
    const headers = { 'content-type': 'application/sdp' };
    const response = await fetch(`${relay.url}/whip/tcp`, { method: 'POST', headers, body: OFFER });
    const answer = await response.text();
    expect(response.status, answer).toBe(201);
    const [, host, port] = /^a=candidate:\S+ 1 tcp \d+ (\S+) (\d+)/m.exec(answer) ?? [];
    const [ufrag, password] = ['ufrag', 'pwd'].map(
      (name) => new RegExp(`^a=ice-${name}:(\\S+)`, 'm').exec(answer)?.[1],
    );
    const socket = connect(Number(port), host);
    await once(socket, 'connect');
    const client = new TcpClient(socket, ufrag ?? '', password ?? '');
    onTestFinished(() => client.close());
    // The worker sends nothing but answers to checks; one more than the client asked for is the relay's own.
    const answers = async () => ((await transport.getStats())[0]?.bytesSent ?? 0) / client.answerBytes;
    await expect.poll(async () => (await answers()) > client.checks, PATIENCE).toBe(true);
    expect(relay.state.sessions).toBe(1);
    client.close();
    await expect.poll(() => relay.state, PATIENCE).toMatchObject({ sessions: 0, transports: 0 });
    expect(story.map(({ what }) => what)).toEqual(['tcp', 'udp', 'end']);
    // Not by the 30 s after which it would be noticed that nobody checks, or that nobody shakes hands.
    const [, fell, ended] = story.map(({ atMs }) => atMs);
    expect((ended ?? 0) - (fell ?? 0)).toBeLessThan(2000);
  });
});
