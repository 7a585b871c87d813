import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRelay, type Relay } from '#src/stream/relay.js';
import { Client, TOKEN } from './client.js';
import { pictureOffer } from './offers.js';

describe('relay server', { timeout: 120_000 }, () => {
  let relay: Relay;

  beforeAll(async () => {
    relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0, token: TOKEN, maxRooms: 4, maxViewers: 2 });
  });
  afterAll(() => relay?.close());

  const get = (path: string, headers = {}) => fetch(relay.url + path, { headers });
  const bearer = { authorization: `Bearer ${TOKEN}` };

  /** fetch() would tidy the path up. */
  function status(path: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(relay.url);
      request({ hostname, port, path }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
  }

  it('serves the page with a strict policy, and its health', async () => {
    const page = await get('/r/some-room');
    expect(await page.text()).toContain('<!doctype html>');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect((await get('/client.js')).headers.get('content-type')).toContain('javascript');
    expect(await (await get('/healthz')).json()).toEqual({ ok: true, worker: true, draining: false });
  });

  it.each([
    '/../package.json',
    '/%2e%2e/package.json',
    '/..%2f..%2fetc%2fpasswd',
    '/r/../../x',
    '/page/client.ts',
    '//',
  ])('has nothing at %s', async (path) => {
    expect([400, 404]).toContain(await status(path));
  });

  it('answers who reads pages with one, programs with problem details, when there is nothing', async () => {
    const [page, problem] = [await get('/nothing', { accept: 'text/html,*/*' }), await get('/nothing')];
    expect([page.status, problem.status]).toEqual([404, 404]);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(problem.headers.get('content-type')).toBe('application/problem+json');
  });

  it('shows metrics to those who know the token', async () => {
    expect((await get('/metrics')).status).toBe(401);
    const response = await get('/metrics', bearer);
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toMatch(/^tinysr_relay_worker_up 1$/m);
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{[^}]*\})? [-\d.e+]+)$/);
  });

  it.each([
    ['no token', { token: undefined }, 4001],
    ['a wrong token', { token: 'token-of-nobody' }, 4001],
    ['a token that is longer than any', { token: 'x'.repeat(600) }, 4001],
    ['another version', { version: 99 }, 4003],
    ['a room of a bad name', { room: '../etc' }, 4003],
    ['a room of a name that is too long', { room: 'x'.repeat(65) }, 4003],
  ])('refuses a hello with %s', async (_name, more, code) => {
    const client = new Client(relay);
    expect(await client.hello('publish', more)).toMatchObject({ ok: false });
    expect(await client.closed).toBe(code);
  });

  it.each([
    ['text that is no JSON', 'nonsense'],
    ['an unknown method', JSON.stringify({ id: 1, method: 'eval', data: {} })],
    ['unknown fields', JSON.stringify({ id: 1, method: 'resume', data: { consumerId: 'x', more: 1 } })],
  ])('ends a connection that sends %s', async (_name, text) => {
    const client = new Client(relay);
    await client.hello('publish');
    client.socket.send(text);
    expect(await client.closed).toBe(4000);
  });

  it('ends a connection that sends too much or too often', async () => {
    const large = new Client(relay);
    await large.hello('publish');
    large.socket.send('x'.repeat(100_000));
    expect(await large.closed).toBe(1009);
    const fast = new Client(relay);
    await fast.hello('publish');
    for (let i = 0; i < 300; i += 1) fast.socket.send(JSON.stringify({ id: i, method: 'restartIce', data: {} }));
    expect(await fast.closed).toBe(4008);
  });

  it('answers parameters that make no sense with an error, and goes on', async () => {
    const client = new Client(relay);
    expect(await client.ask('watch', { rtpCapabilities: {}, sources: [] })).toMatchObject({
      error: { code: 'bad-request' },
    });
    await client.hello('publish');
    const reply = await client.ask('produce', { kind: 'video', rtpParameters: { codecs: 'none' } });
    expect(reply).toMatchObject({ ok: false });
    expect(await client.ask('restartIce')).toMatchObject({ ok: true });
    await client.close();
  });

  it('refuses pages of other sites', async () => {
    const client = new Client(relay, 'https://elsewhere.example');
    expect(await client.closed).toBe(1006);
  });

  it('lets nobody take over a room, except whoever holds its key', async () => {
    const key = 'k'.repeat(24);
    const [first, thief, same] = [new Client(relay), new Client(relay), new Client(relay)];
    expect(await first.hello('publish', { room: 'mine', key })).toMatchObject({ ok: true });
    expect(await thief.hello('publish', { room: 'mine', key: 'x'.repeat(24) })).toMatchObject({
      error: { code: 'room-busy' },
    });
    expect(await same.hello('publish', { room: 'mine', key })).toMatchObject({ ok: true });
    // A code of its own: who is told only that the connection ended would connect again, and push out whoever came.
    expect(await first.closed).toBe(4013);
    await same.close();
  });

  it('ends WHEP sessions with the publication they watch when its publisher comes back', async () => {
    const post = (path: string, direction: string) =>
      fetch(relay.url + path, {
        method: 'POST',
        headers: { ...bearer, 'content-type': 'application/sdp' },
        body: pictureOffer(direction),
      });
    const publish = () => post(`/whip/again?key=${'k'.repeat(24)}`, 'sendonly');
    const first = await publish();
    expect(first.status, await first.text()).toBe(201);
    const watched = await post('/whep/again?source=original', 'recvonly');
    expect(watched.status, await watched.text()).toBe(201);
    const change = async (response: Response) => {
      const session = relay.url + response.headers.get('location');
      const headers = { ...bearer, 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': '*' };
      return (await fetch(session, { method: 'PATCH', headers, body: 'a=ice-ufrag:other' })).status;
    };
    expect(await change(watched)).toBe(200);
    const second = await publish();
    expect(second.status, await second.text()).toBe(201);
    await expect.poll(() => change(watched)).toBe(404);
    expect([await change(first), await change(second)]).toEqual([404, 200]);
    await fetch(relay.url + second.headers.get('location'), { method: 'DELETE', headers: bearer });
  });

  it('tells viewers which pictures they cannot take, and when there are none of those any more', async () => {
    const [publisher, viewer] = [new Client(relay), new Client(relay)];
    await publisher.hello('publish', { room: 'foreign' });
    const codecs = [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000, parameters: {}, rtcpFeedback: [] }];
    const rtpParameters = { codecs, encodings: [{ ssrc: 1 }], rtcp: { cname: 'c' } };
    const produced = await publisher.ask('produce', { kind: 'video', rtpParameters });
    expect(produced).toMatchObject({ ok: true });
    const { data } = await viewer.hello('watch', { room: 'foreign' });
    const all = data?.routerRtpCapabilities as { codecs: { mimeType: string }[] };
    const rtpCapabilities = { ...all, codecs: all.codecs.filter(({ mimeType }) => mimeType !== 'video/H264') };
    await viewer.ask('watch', { rtpCapabilities, sources: ['original', 'upscaled'] });
    const untakeable = () =>
      viewer.told.filter(({ event }) => event === 'untakeable').map((told) => told.data.pictures);
    await expect.poll(untakeable).toEqual([[{ source: 'upscaled', codec: 'H264' }]]);
    await viewer.ask('select', { sources: ['original'] });
    await expect.poll(untakeable).toEqual([[{ source: 'upscaled', codec: 'H264' }], []]);
    await expect.poll(() => viewer.told.find(({ event }) => event === 'track')?.data.source).toBe('original');
    await Promise.all([publisher.close(), viewer.close()]);
  });

  it('gives the room to one of those who come at once, and to no other its key', async () => {
    const keys = ['first-key-of-the-room', 'second-key-of-the-room'];
    const clients = keys.map(() => new Client(relay));
    const come = (client: Client, key?: string) => client.hello('publish', { room: 'race', key });
    const replies = await Promise.all(clients.map((client, index) => come(client, keys[index])));
    const won = replies.findIndex(({ ok }) => ok);
    expect(replies[1 - won]).toMatchObject({ ok: false, error: { code: 'room-busy' } });
    const [again, back] = [new Client(relay), new Client(relay)];
    expect(await come(again, keys[1 - won])).toMatchObject({ ok: false, error: { code: 'room-busy' } });
    expect(await come(back, keys[won])).toMatchObject({ ok: true });
    await back.close();
  });

  it('holds its limits on viewers', async () => {
    const capabilities = { codecs: [], headerExtensions: [] };
    const clients = await Promise.all(
      [1, 2, 3].map(async () => {
        const client = new Client(relay);
        await client.hello('watch', { room: 'mine' });
        return { client, reply: await client.ask('watch', { rtpCapabilities: capabilities, sources: [] }) };
      }),
    );
    const codes = clients.map(({ reply }) => reply.error?.code ?? 'ok').sort();
    expect(codes).toEqual(['ok', 'ok', 'room-full']);
    await Promise.all(clients.map(({ client }) => client.close()));
  });

  it.each([
    ['no token', 401, {}, 'v=0'],
    ['another type', 415, { ...bearer, 'content-type': 'text/plain' }, 'v=0'],
    ['what is no SDP', 400, { ...bearer, 'content-type': 'application/sdp' }, '{}'],
    ['an SDP without media', 400, { ...bearer, 'content-type': 'application/sdp' }, 'v=0\r\ns=-\r\n'],
    ['an oversize SDP', 413, { ...bearer, 'content-type': 'application/sdp' }, `v=0\r\n${'a=x\r\n'.repeat(20_000)}`],
  ])('WHIP refuses %s', async (_name, expected, headers, body) => {
    const response = await fetch(`${relay.url}/whip/obs`, { method: 'POST', headers, body });
    expect(response.status).toBe(expected);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status: expected });
  });

  it('WHIP and WHEP answer OPTIONS for other sites', async () => {
    const response = await fetch(`${relay.url}/whep/obs`, {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example' },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('accept-post')).toBe('application/sdp');
  });

  it('says which methods there are to whoever uses another', async () => {
    const allowed = async (path: string, method: string) => {
      const response = await fetch(relay.url + path, { method, headers: bearer });
      return [response.status, response.headers.get('allow')];
    };
    expect(await allowed('/', 'POST')).toEqual([405, 'GET, HEAD']);
    expect(await allowed('/whip/room', 'PUT')).toEqual([405, 'POST, OPTIONS']);
  });

  it.each([
    ['two streams of one SSRC', ['a=ssrc:1234 cname:a', 'a=ssrc:1234 cname:b'], 'opus/48000/2'],
    ['sound of 99 channels', ['a=ssrc:1234 cname:a'], 'opus/48000/99'],
  ])('says no to an offer with %s, as to one that makes no sense', async (_, streams, sound) => {
    const head = [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      't=0 0',
      'a=ice-ufrag:user',
      'a=ice-pwd:password-of-22-letters',
    ];
    const dtls = [`a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass', 'a=group:BUNDLE 0 1'];
    const section = (mid: number, line: string, map: string) => [
      ...[line, 'c=IN IP4 0.0.0.0', `a=mid:${mid}`, 'a=sendonly', 'a=rtcp-mux', map],
    ];
    const video = [...section(0, 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=rtpmap:96 VP8/90000'), ...streams];
    const audio = [
      ...section(1, 'm=audio 9 UDP/TLS/RTP/SAVPF 111', `a=rtpmap:111 ${sound}`),
      'a=ssrc:1234 cname:a',
      '',
    ];
    const response = await fetch(`${relay.url}/whip/nonsense`, {
      ...{ method: 'POST', headers: { ...bearer, 'content-type': 'application/sdp' } },
      body: [...head, ...dtls, ...video, ...audio].join('\r\n'),
    });
    expect([400, 406], await response.text()).toContain(response.status);
    expect(relay.state.sessions).toBe(0);
  });

  describe('an offer of which only a part can be taken', () => {
    const head = [
      ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=ice-ufrag:user', 'a=ice-pwd:password-of-22-letters'],
      ...[`a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass'],
    ];
    const section = (kind: string, mid: number, codec: string, { port = 9, direction = 'sendonly' } = {}) => [
      ...[`m=${kind} ${port} UDP/TLS/RTP/SAVPF ${96 + mid}`, 'c=IN IP4 0.0.0.0', `a=mid:${mid}`, `a=${direction}`],
      ...['a=rtcp-mux', `a=rtpmap:${96 + mid} ${codec}`, `a=ssrc:${1000 + mid} cname:sender`],
    ];
    const sound = section('audio', 0, 'opus/48000/2');
    const post = async (room: string, ...sections: string[][]) => {
      const response = await fetch(`${relay.url}/whip/${room}`, {
        ...{ method: 'POST', headers: { ...bearer, 'content-type': 'application/sdp' } },
        body: [...head, ...sections.flat(), ''].join('\r\n'),
      });
      return { response, text: await response.text() };
    };

    it.each([
      [
        'a picture in AV1',
        [sound, section('video', 1, 'AV1/90000')],
        'the picture is offered as AV1; this relay takes H.264 (baseline to high, packetization-mode=1), VP8, VP9 (8 bits)',
      ],
      [
        'sound that is no Opus',
        [section('video', 1, 'VP8/90000'), section('audio', 0, 'PCMU/8000')],
        'the sound is offered as PCMU; this relay takes Opus',
      ],
      [
        'two pictures',
        [section('video', 1, 'VP8/90000'), section('video', 2, 'VP8/90000')],
        'the offer has more than one picture; a room takes one',
      ],
    ] as const)('is refused by WHIP: %s', async (_name, sections, title) => {
      const { response, text } = await post('partly', ...sections.map((lines) => [...lines]));
      expect(response.status, text).toBe(406);
      expect(JSON.parse(text)).toMatchObject({ title, code: 'not-acceptable' });
      expect(relay.state.sessions).toBe(0);
    });

    it.each([
      ['inactive', {}],
      ['sendonly', { port: 0 }],
    ])('is taken when the rest is %s and not to be sent %o', async (direction, more) => {
      const rest = section('video', 2, 'AV1/90000', { ...more, direction });
      const { response, text } = await post('whole', sound, section('video', 1, 'VP8/90000'), rest);
      expect(response.status, text).toBe(201);
      expect(text).toMatch(/^m=video 0 /m);
      const session = relay.url + response.headers.get('location');
      expect((await fetch(session, { method: 'DELETE', headers: bearer })).status).toBe(200);
    });
  });

  it('drains: health says so, nobody gets in, who is there may leave, pages are told, and it ends', async () => {
    const client = new Client(relay);
    await client.hello('publish');
    const post = () =>
      fetch(`${relay.url}/whip/leaving`, {
        method: 'POST',
        headers: { ...bearer, 'content-type': 'application/sdp' },
        body: pictureOffer('sendonly'),
      });
    const published = await post();
    expect(published.status, await published.text()).toBe(201);
    const drained = relay.drain(500);
    expect((await get('/healthz')).status).toBe(503);
    expect((await post()).status).toBe(503);
    const session = relay.url + published.headers.get('location');
    expect((await fetch(session, { method: 'DELETE', headers: bearer })).status).toBe(200);
    expect(await new Client(relay).closed).toBe(1006);
    expect(await client.closed).toBe(4012);
    await drained;
    await expect(get('/healthz')).rejects.toThrow();
  });
});

describe('a relay without a token, on this machine only', () => {
  const signal = (url: string, host: string, origin: string) =>
    new Promise<number>((resolve) => {
      const { hostname, port } = new URL(url);
      const headers = { host, origin, connection: 'Upgrade', upgrade: 'websocket' };
      const handshake = { 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
      const asked = request({ hostname, port, path: '/signal', headers: { ...headers, ...handshake } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.on('error', () => resolve(0));
      asked.on('upgrade', (_, socket) => {
        socket.destroy();
        resolve(101);
      });
      asked.end();
    });

  it('is not for pages whose name was made to lead here', async () => {
    const proxied = 'https://video.example';
    await using relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0, allowOrigins: [proxied] });
    const { port } = new URL(relay.url);
    const cases: [host: string, origin: string, status: number][] = [
      [`127.0.0.1:${port}`, `http://127.0.0.1:${port}`, 101],
      [`localhost:${port}`, `http://localhost:${port}`, 101],
      [`rebound.example:${port}`, `http://rebound.example:${port}`, 403],
      ['video.example', proxied, 101],
    ];
    for (const [host, origin, status] of cases)
      expect([host, await signal(relay.url, host, origin)]).toEqual([host, status]);
  });
});

describe('two relays', () => {
  it('the second on the same port says which and what to do', async () => {
    await using first = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0 });
    const listen = new URL(first.url).host;
    await expect(createRelay({ listen, mediaPort: 0 })).rejects.toMatchObject({ code: 'TSR_RELAY_LISTEN' });
    const media = { listen: '127.0.0.1:0', mediaPort: first.mediaPort };
    await expect(createRelay(media)).rejects.toMatchObject({ code: 'TSR_RELAY_LISTEN' });
  });
});
