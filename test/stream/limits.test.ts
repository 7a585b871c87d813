import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { log } from '#src/shared/log.js';
import { AddressRateLimit } from '#src/stream/http/rate-limit.js';
import { createRelay, type Relay } from '#src/stream/relay.js';
import { Client, TOKEN } from './client.js';

const PATIENCE = { timeout: 60_000, interval: 50 };

describe('rate limit by address', () => {
  it('lets a burst pass, then so many a second', () => {
    const limit = new AddressRateLimit(3, 2);
    const taken = (nowMs: number, count: number) =>
      Array.from({ length: count }, () => limit.take('192.0.2.1', nowMs)).filter(Boolean).length;
    expect(taken(0, 5)).toBe(3);
    expect(taken(1000, 5)).toBe(2);
    expect(taken(60_000, 5)).toBe(3);
  });

  it('counts every address for itself, but a network of IPv6 as one', () => {
    const limit = new AddressRateLimit(1, 1);
    expect(limit.take('192.0.2.1', 0)).toBe(true);
    expect(limit.take('192.0.2.1', 0)).toBe(false);
    expect(limit.take('192.0.2.2', 0)).toBe(true);
    expect(limit.take('2001:db8:1:2::1', 0)).toBe(true);
    expect(limit.take('2001:db8:1:2::ffff', 0)).toBe(false);
    expect(limit.take('2001:db8:1:3::1', 0)).toBe(true);
    // A network whose middle is zero is written in several ways.
    expect(limit.take('2001:db8::1', 0)).toBe(true);
    expect(limit.take('2001:db8::5:6:7:8', 0)).toBe(false);
    expect(limit.take('2001:db8:0:0:1::', 0)).toBe(false);
    expect(limit.take('2001:db8:0:1::1', 0)).toBe(true);
    expect(limit.take('::1', 0)).toBe(true);
  });

  it('remembers who was here a moment ago, whoever else comes', () => {
    const limit = new AddressRateLimit(1, 1);
    for (let i = 0; i < 4000; i += 1) limit.take(`10.0.${i >> 8}.${i & 255}`, 0);
    limit.take('192.0.2.1', 5000);
    for (let i = 0; i < 1000; i += 1) limit.take(`10.1.${i >> 8}.${i & 255}`, 5000);
    expect(limit.take('192.0.2.1', 5000)).toBe(false);
  });
});

describe('limits of the relay', { timeout: 120_000 }, () => {
  let relay: Relay;
  beforeAll(async () => {
    log.level = 'silent';
    relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0, token: TOKEN, maxRooms: 2, maxViewers: 1 });
  });
  afterAll(() => relay?.close());

  /** Sends bytes, and no more; gives what came back when the relay closes the connection. */
  function send(text: string): Promise<string> {
    const { hostname, port } = new URL(relay.url);
    return new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect(Number(port), hostname, () => socket.write(text));
      socket.setEncoding('utf8').on('data', (data) => {
        answer += data;
      });
      socket.once('close', () => resolve(answer));
      socket.once('error', reject);
    });
  }

  const post = (more: string) =>
    send(`POST /whip/slow HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer ${TOKEN}\r\n${more}`);

  /** Asks for more than the buffers on the way hold, and reads nothing of it. @returns once the relay has let go */
  const deafReader = () =>
    new Promise((resolve) => {
      const { hostname, port } = new URL(relay.url);
      const socket = connect(Number(port), hostname).pause();
      socket.write('GET /client.js HTTP/1.1\r\nhost: relay\r\n\r\n'.repeat(1000));
      // That the far side has ended it shows only when something is written, which before would count as a sign of life.
      const late = setTimeout(() => {
        const poking = setInterval(() => socket.write('\r\n'), 100);
        socket.once('close', () => clearInterval(poking));
      }, 33_000);
      socket.once('error', () => undefined);
      socket.once('close', () => {
        clearTimeout(late);
        resolve(performance.now());
      });
    });

  it('gives up clients that take too long for a head, a body, a hello, an answer, or an answer to a ping', async () => {
    const silent = new Client(relay);
    const deaf = new WebSocket(`${relay.url.replace('http', 'ws')}/signal`, { autoPong: false });
    deaf.once('open', () => {
      const data = { version: 1, role: 'watch', room: 'deaf', token: TOKEN };
      deaf.send(JSON.stringify({ id: 1, method: 'hello', data }));
      const wish = { rtpCapabilities: { codecs: [] }, sources: [] };
      deaf.send(JSON.stringify({ id: 2, method: 'watch', data: wish }));
    });
    const [head, body, code, gone] = await Promise.all([
      post('x-slow: '),
      post('content-type: application/sdp\r\ncontent-length: 5000\r\n\r\nv=0\r\n'),
      silent.closed,
      new Promise((resolve) => deaf.once('close', resolve)),
      deafReader(),
    ]);
    expect(head).toMatch(/^HTTP\/1\.1 408 /);
    expect(body).toMatch(/^HTTP\/1\.1 408 /);
    expect(code).toBe(4000);
    expect(gone).toBe(1006);
    await expect.poll(() => relay.state, PATIENCE).toMatchObject({ peers: 0, sessions: 0, viewers: 0 });
  });

  it.each([
    ['a head that is too large', `x-large: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['what is no HTTP', 'no header\r\n\r\n', 400],
    [
      'an SDP of too many sections',
      (() => {
        const sdp = `v=0\r\n${'m=video 9 UDP/TLS/RTP/SAVPF 96\r\n'.repeat(9)}`;
        return `connection: close\r\ncontent-type: application/sdp\r\ncontent-length: ${sdp.length}\r\n\r\n${sdp}`;
      })(),
      400,
    ],
    [
      'a body that is larger than an SDP may be, whatever length it claims',
      `content-type: application/sdp\r\ntransfer-encoding: chunked\r\n\r\n${`10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(2)}`,
      413,
    ],
  ])('refuses %s', async (_name, more, status) => {
    expect(await post(more)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('opens no more rooms than it may, and gives the place of an empty one away', async () => {
    const [first, second, third] = [new Client(relay), new Client(relay), new Client(relay)];
    expect(await first.hello('publish', { room: 'one' })).toMatchObject({ ok: true });
    expect(await second.hello('publish', { room: 'two' })).toMatchObject({ ok: true });
    expect(await third.hello('publish', { room: 'three' })).toMatchObject({ error: { code: 'too-many-rooms' } });
    expect(await third.closed).toBe(4003);
    await second.close();
    await expect.poll(() => relay.state.peers, PATIENCE).toBe(1);
    const fourth = new Client(relay);
    expect(await fourth.hello('publish', { room: 'three' })).toMatchObject({ ok: true });
    await Promise.all([first.close(), fourth.close()]);
    await expect.poll(() => relay.state.peers, PATIENCE).toBe(0);
  });

  it('holds a few pages that say nothing, and those who say hello find a place beside them', async () => {
    const clients: Client[] = [];
    const opened = async () => {
      const client = new Client(relay);
      const open = new Promise<boolean>((resolve) => client.socket.once('open', () => resolve(true)));
      clients.push(client);
      return Promise.race([open, client.closed.then(() => false)]);
    };
    const publisher = new Client(relay);
    expect(await publisher.hello('publish', { room: 'one' })).toMatchObject({ ok: true });
    const results: boolean[] = [];
    for (let i = 0; i < 66; i += 1) results.push(await opened());
    expect(results.indexOf(false)).toBe(64);
    // Of another address, which has its own share.
    const { port } = new URL(relay.url);
    const other = new WebSocket(`ws://127.0.0.1:${port}/signal`, { localAddress: '127.0.0.2' });
    await new Promise((resolve, reject) => other.once('open', resolve).once('error', reject));
    other.terminate();
    await Promise.all([publisher, ...clients].map((client) => client.close()));
    await expect.poll(() => relay.state.peers, PATIENCE).toBe(0);
  });

  it('does not wait for those who keep their half of a connection open', async () => {
    const { hostname, port } = new URL(relay.url);
    const ask = (head: string) =>
      new Promise<number>((resolve, reject) => {
        const began = performance.now();
        const options = { port: Number(port), host: hostname, allowHalfOpen: true };
        const socket = connect(options, () => socket.write(head));
        let answered = Number.NaN;
        socket.on('data', () => {
          answered = performance.now() - began;
        });
        // Never ended from here: a write fails once the relay has let go.
        const poking = setInterval(() => socket.write('x'), 200);
        socket.once('error', () => undefined);
        socket.once('close', () => {
          clearInterval(poking);
          if (Number.isNaN(answered)) reject(new Error('no answer'));
          else resolve(performance.now() - began - answered);
        });
      });
    const upgrade = 'GET /elsewhere HTTP/1.1\r\nhost: relay\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
    await Promise.all([ask(upgrade), ask('no header\r\n\r\n')]);
    await expect.poll(() => relay.state.peers, PATIENCE).toBe(0);
  }, 20_000);

  it('holds so many connections of an address', async () => {
    const { hostname, port } = new URL(relay.url);
    const sockets: Socket[] = [];
    let [open, refused] = [0, 0];
    for (let i = 0; i < 260; i += 1) {
      const socket = connect(Number(port), hostname).once('error', () => undefined);
      socket.once('connect', () => {
        open += 1;
      });
      socket.once('close', () => {
        refused += 1;
      });
      sockets.push(socket);
    }
    await expect.poll(() => [open, refused], PATIENCE).toEqual([260, 4]);
    const ask = 'GET /healthz HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n';
    // Of another address, which has its own share.
    const other = connect({ port: Number(port), host: hostname, localAddress: '127.0.0.2' });
    const answer = new Promise((resolve) => other.once('data', (data) => resolve(String(data))));
    other.write(ask);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => send(ask).catch(String), PATIENCE).toMatch(/^HTTP\/1\.1 200 /);
  }, 60_000);

  it('lets nobody guess the token by asking for metrics', async () => {
    const ask = async () =>
      (await fetch(`${relay.url}/metrics`, { headers: { authorization: 'Bearer wrong-token' } })).status;
    const answers: number[] = [];
    while (answers.length < 600 && !answers.includes(429)) {
      answers.push(...(await Promise.all(Array.from({ length: 30 }, ask))));
    }
    expect(new Set(answers)).toEqual(new Set([401, 429]));
    expect(answers.indexOf(429)).toBeGreaterThanOrEqual(60);
  });

  it('lets no address open pages without end', async () => {
    const upgrade = async () => {
      const head = ['GET /elsewhere HTTP/1.1', 'host: relay', 'connection: upgrade', 'upgrade: websocket', '', ''];
      return /^HTTP\/1\.1 (\d+) /.exec(await send(head.join('\r\n')))?.[1];
    };
    const answers: (string | undefined)[] = [];
    // On a busy machine the bucket fills almost as fast as it is emptied.
    while (answers.length < 6000 && !answers.includes('429')) {
      answers.push(...(await Promise.all(Array.from({ length: 50 }, upgrade))));
    }
    expect(new Set(answers)).toEqual(new Set(['404', '429']));
    expect(answers.indexOf('429')).toBeGreaterThanOrEqual(500);
  });

  it('slows down who asks too often, and says so in the metrics', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const ask = async () => (await fetch(`${relay.url}/whip/session/none`, { method: 'DELETE', headers })).status;
    const answers: number[] = [];
    while (answers.length < 2000 && !answers.includes(429)) {
      answers.push(...(await Promise.all(Array.from({ length: 150 }, ask))));
    }
    expect(new Set(answers)).toEqual(new Set([404, 429]));
    // Requests for metrics have a bucket of their own, which an earlier test has emptied.
    const read = async () => (await fetch(`${relay.url}/metrics`, { headers })).text();
    await expect.poll(read, PATIENCE).toContain('tinysr_relay_refused_total');
    const metrics = await read();
    expect(Number(/^tinysr_relay_refused_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(150);
    // A bucket that is filled steadily lets him in again.
    await expect.poll(ask, { ...PATIENCE, interval: 500 }).toBe(404);
  });
});
