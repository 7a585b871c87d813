import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { TinySRError } from '../../shared/errors.js';
import { log } from '../../shared/log.js';
import { metricsText, type RelayCounters } from '../metrics.js';
import { RelayRefusal } from '../relay-error.js';
import { ROOM_ID } from '../room/rooms.js';
import { Connections } from './connections.js';
import { fromOwnPage } from './origin.js';
import { Peer, type PeerContext } from './peer.js';
import { MAX_MESSAGE } from './protocol.js';
import { AddressRateLimit, network, RateLimit } from './rate-limit.js';
import { requireToken, sendProblem } from './request.js';
import { loadPage, type StaticFile, sendFile } from './static.js';
import { credentialsOf, renewCredentials } from './tls.js';

/** How long a client may take for the head of a request, and for all of it, in milliseconds; checked every second. */
const HEAD_MS = 5000;
const REQUEST_MS = 10_000;
const CHECK_MS = 1000;
/** How long nothing may go over a connection, in milliseconds: who reads no answer makes room. Pages ping each other. */
const SILENCE_MS = 30_000;
/** How long a connection that was refused, or answered for the last time, may stay open from the other side, in milliseconds. */
const FAREWELL_MS = 1000;
/** Pages that have not said hello yet: of all addresses, and of one. */
const MOST_WAITING = 128;
const MOST_WAITING_OF_ADDRESS = 64;
/** Connections beside those of the pages that may watch or publish. */
const SPARE_CONNECTIONS = 256;

/** What is answered to a client whose request cannot be read. */
const UNREADABLE: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/**
 * Serves one kind of path beside the page.
 *
 * @param draining whether the relay takes nobody in any more
 * @returns false when the path is none of its own
 */
export type Endpoint = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  draining: boolean,
) => Promise<boolean>;

/** The HTTP side of the relay: page, signalling, health, metrics, and further endpoints. */
export class RelayServer {
  readonly #context: PeerContext;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #connections: Connections;
  readonly #page: ReadonlyMap<string, StaticFile>;
  /** Pages, and the network each comes from. */
  readonly #peers = new Map<Peer, string>();
  readonly #endpoints: readonly Endpoint[];
  readonly #counters: RelayCounters;
  readonly #secure: boolean;
  readonly #upgrades = new AddressRateLimit(1000, 50);
  readonly #scrapes = new AddressRateLimit(60, 5);
  readonly #lines = new RateLimit(30, 1, performance.now());
  #draining = false;

  private constructor(
    context: PeerContext,
    server: Server,
    secure: boolean,
    page: ReadonlyMap<string, StaticFile>,
    endpoints: readonly Endpoint[],
    counters: RelayCounters,
  ) {
    this.#context = context;
    this.#server = server;
    this.#secure = secure;
    this.#page = page;
    this.#endpoints = endpoints;
    this.#counters = counters;
    this.#sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE, perMessageDeflate: false });
    this.#connections = new Connections(server, () => {
      this.#counters.refused += 1;
    });
    server.timeout = SILENCE_MS;
    server.headersTimeout = HEAD_MS;
    server.requestTimeout = REQUEST_MS;
    server.keepAliveTimeout = 10_000;
    server.maxHeadersCount = 100;
    server.maxConnections = this.#mostPeers + SPARE_CONNECTIONS;
    server.on('request', (request, response) => void this.#request(request, response));
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.#counters.refused += 1;
      const status = UNREADABLE[error.code ?? ''] ?? '400 Bad Request';
      dismiss(socket, status);
    });
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => undefined);
      const refuse = (status: string) => {
        this.#counters.refused += 1;
        dismiss(socket, status);
      };
      if (this.#draining) return refuse('503 Service Unavailable');
      if (!this.#upgrades.take(request.socket.remoteAddress, performance.now())) return refuse('429 Too Many Requests');
      if (urlOf(request)?.pathname !== '/signal') return refuse('404 Not Found');
      if (!this.#originAllowed(request)) return refuse('403 Forbidden');
      const from = network(request.socket.remoteAddress ?? '');
      const waiting = [...this.#peers].filter(([peer]) => !peer.greeted);
      if (waiting.filter(([, address]) => address === from).length >= MOST_WAITING_OF_ADDRESS) {
        return refuse('429 Too Many Requests');
      }
      if (waiting.length >= MOST_WAITING || this.#peers.size - waiting.length >= this.#mostPeers) {
        return refuse('503 Service Unavailable');
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#connections.upgraded(request.socket);
        this.#counters.connections += 1;
        const peer = new Peer(webSocket, this.#context);
        this.#peers.set(peer, from);
        webSocket.once('close', () => this.#peers.delete(peer));
      });
    });
  }

  /** Listens. @throws TinySRError `TSR_RELAY_LISTEN`, `TSR_RELAY_CONFIG` */
  static async listen(
    context: PeerContext,
    endpoints: readonly Endpoint[],
    counters: RelayCounters,
  ): Promise<RelayServer> {
    const { settings } = context;
    const tls = await credentialsOf(settings);
    const timing = { connectionsCheckingInterval: CHECK_MS };
    const { tlsCert, tlsKey } = settings;
    const secure = tls && createTlsServer({ ...tls, ...timing, handshakeTimeout: HEAD_MS });
    const server = secure ?? createServer(timing);
    const relay = new RelayServer(context, server, tls !== undefined, await loadPage(), endpoints, counters);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => {
        const hint =
          cause.code === 'EACCES'
            ? 'This user may not listen there: give a port of 1024 or more with --listen, and let a proxy have the lower one.'
            : 'Give a free port with --listen, for example --listen 127.0.0.1:8481.';
        reject(
          new TinySRError('TSR_RELAY_LISTEN', `cannot listen on ${settings.host} port ${settings.port}`, {
            hint,
            cause,
          }),
        );
      });
      server.listen(settings.port, settings.host, resolve);
    });
    if (secure && tlsCert && tlsKey) server.once('close', renewCredentials(secure, { tlsCert, tlsKey }));
    return relay;
  }

  /** Where the page is. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    const any = address === '0.0.0.0' || address === '::';
    const host = any
      ? (this.#context.settings.announcedAddress ?? 'localhost')
      : family === 'IPv6'
        ? `[${address}]`
        : address;
    return `${this.#secure ? 'https' : 'http'}://${host}:${port}`;
  }

  /** Pages that may be connected: of every room its viewers, its publisher, and one who comes back. */
  get #mostPeers(): number {
    const { maxRooms, maxViewers } = this.#context.settings;
    return maxRooms * (maxViewers + 2);
  }

  /** Pages that are connected. */
  get peers(): number {
    return this.#peers.size;
  }

  /** Browsers say where a page came from; other programs do not. */
  #originAllowed(request: IncomingMessage): boolean {
    const { settings } = this.#context;
    return fromOwnPage(request, settings) || settings.allowOrigins.includes(request.headers.origin ?? '');
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { engine } = this.#context;
    const worker = engine.workerPid;
    try {
      const url = urlOf(request);
      if (!url) throw new RelayRefusal('bad-request', 'the address makes no sense');
      if (await this.#serve(request, response, url)) return;
      for (const endpoint of this.#endpoints) {
        if (await endpoint(request, response, url, this.#draining)) return;
      }
      throw new RelayRefusal('not-found', 'there is nothing here');
    } catch (error) {
      const refusal = error instanceof RelayRefusal ? error : failure(engine.alive && engine.workerPid === worker);
      this.#counters.refused += 1;
      // Whoever asks for what is not there must not fill the log; the metrics count all.
      const level = this.#lines.take(performance.now()) ? 'warn' : 'debug';
      log[level]({ method: request.method, code: refusal.code, error: String(error) }, 'request refused');
      const page = refusal.code === 'not-found' && wantsPage(request) ? this.#page.get('/index.html') : undefined;
      if (page) sendFile(response, refusal.status, page);
      else sendProblem(response, refusal);
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
    const { settings, rooms, engine } = this.#context;
    const { pathname } = url;
    const room = /^\/r\/([^/]*)$/.exec(pathname)?.[1];
    const file = pathname === '/' || (room && ROOM_ID.test(room)) ? '/index.html' : pathname;
    const page = this.#page.get(file);
    const known = page || pathname === '/healthz' || pathname === '/metrics';
    if (!known) return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new RelayRefusal('method-not-allowed', 'only GET', { allow: 'GET, HEAD' });
    }
    if (page) sendFile(response, 200, page);
    else if (pathname === '/healthz') {
      const ok = engine.alive && !this.#draining;
      response.writeHead(ok ? 200 : 503, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify({ ok, worker: engine.alive, draining: this.#draining }));
    } else {
      if (!this.#scrapes.take(request.socket.remoteAddress, performance.now()))
        throw new RelayRefusal('too-many-requests', 'too many requests');
      requireToken(request, settings.token);
      response.writeHead(200, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        'cache-control': 'no-store',
      });
      response.end(metricsText(rooms, engine, this.#counters));
    }
    return true;
  }

  /** Tells all pages to connect again: the media worker is new. */
  restartPeers(): void {
    for (const peer of this.#peers.keys()) peer.end('restarting', 'the media worker was restarted');
  }

  /** Takes no one in any more. */
  drain(): void {
    this.#draining = true;
  }

  /** Ends all connections and stops listening. Idempotent. */
  async close(): Promise<void> {
    this.#draining = true;
    for (const peer of this.#peers.keys()) peer.end('shuttingDown', 'the relay is shutting down');
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    setTimeout(() => {
      for (const client of this.#sockets.clients) client.terminate();
      this.#connections.destroyAll();
    }, 500).unref();
    this.#server.closeIdleConnections();
    await closed;
  }
}

/** What is said when a request fails. @param sound whether the media worker that it began with still runs */
function failure(sound: boolean): RelayRefusal {
  return sound
    ? new RelayRefusal('internal', 'the request failed')
    : new RelayRefusal('restarting', 'the media worker is being restarted');
}

/** Answers and closes, though the other side may keep its half open: sockets are few. */
function dismiss(socket: Duplex, status: string): void {
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
}

/** Whether somebody is there to read a page: browsers say so when an address is opened. */
function wantsPage({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && (headers.accept ?? '').includes('text/html');
}

function urlOf(request: IncomingMessage): URL | undefined {
  try {
    return new URL(request.url ?? '', 'http://relay');
  } catch {
    return undefined;
  }
}
