import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:https';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { log } from '#src/shared/log.js';
import { selfSigned } from '#src/stream/certificate.js';
import { readCredentials, renewCredentials } from '#src/stream/http/tls.js';
import { createRelay } from '#src/stream/relay.js';
import { TOKEN } from './client.js';

const PATIENCE = { timeout: 20_000, interval: 50 };
const BASE = { listen: '127.0.0.1:0', mediaPort: 0, token: TOKEN };

describe('a relay with TLS', { timeout: 60_000 }, () => {
  let folder: string;
  let cert: string;
  let files: { tlsCert: string; tlsKey: string };
  beforeAll(async () => {
    log.level = 'silent';
    folder = await mkdtemp(join(tmpdir(), 'tinysr-tls-'));
    const pair = await selfSigned({ host: '127.0.0.1' });
    cert = pair.cert;
    files = { tlsCert: join(folder, 'cert.pem'), tlsKey: join(folder, 'key.pem') };
    await Promise.all([writeFile(files.tlsCert, pair.cert), writeFile(files.tlsKey, pair.key)]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A GET that trusts nothing but `ca`; without it the client trusts what browsers trust. */
  async function get(url: string, ca?: string): Promise<{ status: number | undefined; body: string }> {
    const asked = request(url, { ...(ca ? { ca } : {}), agent: false }).end();
    const [response] = await once(asked, 'response');
    return { status: response.statusCode, body: await text(response) };
  }

  it('shows its certificate to pages, requests and WebSockets', async () => {
    const relay = await createRelay({ ...BASE, ...files });
    try {
      expect(relay.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+/);
      expect((await get(new URL('/healthz', relay.url).href, cert)).status).toBe(200);
      expect((await get(relay.url, cert)).body).toContain('<title>');
      await expect(get(relay.url)).rejects.toThrow(/self-signed/);

      const socket = new WebSocket(`${relay.url.replace('https', 'wss').replace(/\/$/, '')}/signal`, { ca: cert });
      await once(socket, 'open');
      socket.send(JSON.stringify({ id: 1, method: 'hello', data: { version: 1, role: 'publish', token: TOKEN } }));
      const [reply] = await once(socket, 'message');
      expect(JSON.parse(String(reply))).toMatchObject({ id: 1, ok: true });
      socket.close();
    } finally {
      await relay.close();
    }
  });

  it('makes a certificate of its own for the addresses it is reached at', async () => {
    const relay = await createRelay({ ...BASE, selfSigned: true, announcedAddress: '192.0.2.7' });
    try {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(relay.url).port), rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const names = socket.getPeerCertificate().subjectaltname;
      expect(names).toContain('IP Address:127.0.0.1');
      expect(names).toContain('IP Address:192.0.2.7');
      expect(names).toContain('DNS:localhost');
      socket.destroy();
    } finally {
      await relay.close();
    }
  });

  it('closes though connections idle, before their handshake and behind it', async () => {
    const relay = await createRelay({ ...BASE, ...files });
    const port = Number(new URL(relay.url).port);
    const mute = connectTcp(port, '127.0.0.1');
    const idle = connect({ host: '127.0.0.1', port, ca: cert });
    const gone = [mute, idle].map((socket) => {
      socket.on('error', () => undefined);
      return new Promise((resolve) => socket.once('close', resolve));
    });
    await Promise.all([once(mute, 'connect'), once(idle, 'secureConnect')]);
    // The handshake's own patience is ten seconds, and that of a server's close has no end.
    await relay.close();
    await Promise.all(gone);
  });

  it('says which file of the two it lacks or cannot read', async () => {
    await expect(createRelay({ ...BASE, tlsCert: files.tlsCert })).rejects.toMatchObject({ code: 'TSR_RELAY_CONFIG' });
    const gone = join(folder, 'none.pem');
    await expect(createRelay({ ...BASE, ...files, tlsKey: gone })).rejects.toMatchObject({ code: 'TSR_RELAY_CONFIG' });
  });

  it.each([
    ['no certificate', () => ({ tlsCert: files.tlsKey })],
    ['the key of another certificate', () => ({ tlsKey: join(folder, 'other.pem') })],
  ])('says what is wrong with %s', async (_, wrong) => {
    await writeFile(join(folder, 'other.pem'), (await selfSigned({ host: '127.0.0.1' })).key);
    await expect(createRelay({ ...BASE, ...files, ...wrong() })).rejects.toMatchObject({
      code: 'TSR_RELAY_CONFIG',
      message: expect.stringContaining('do not work together'),
    });
  });

  it('shows a renewed certificate to who comes then, and keeps the one before as long as the files do not fit', async () => {
    const server = createServer(await readCredentials(files));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const end = renewCredentials(server, files, 20);
    const shown = async () => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { subjectaltname } = socket.getPeerCertificate();
      socket.destroy();
      return subjectaltname;
    };
    try {
      expect(await shown()).not.toContain('renewed.example');
      const renewed = await selfSigned({ host: 'renewed.example' });
      await writeFile(files.tlsKey, renewed.key);
      const warned = vi.spyOn(log, 'warn');
      await vi.waitFor(() => expect(warned).toHaveBeenCalled(), PATIENCE);
      expect(await shown()).not.toContain('renewed.example');
      await writeFile(files.tlsCert, renewed.cert);
      await vi.waitFor(async () => expect(await shown()).toContain('renewed.example'), PATIENCE);
    } finally {
      end();
      server.close();
    }
  });
});
