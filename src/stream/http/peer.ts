import type { types } from 'mediasoup';
import type { RawData, WebSocket } from 'ws';
import { log } from '../../shared/log.js';
import { offeredCapabilities } from '../media/codecs.js';
import type { MediaEngine } from '../media/engine.js';
import { NO_MEDIA, requireMedia } from '../media/no-media.js';
import type { RelaySettings } from '../options.js';
import { RelayRefusal } from '../relay-error.js';
import type { Publication } from '../room/publication.js';
import type { Room } from '../room/room.js';
import { newRoomId, type Rooms } from '../room/rooms.js';
import { Viewer } from '../room/viewer.js';
import { sameSecret } from '../token.js';
import { CLOSE_CODES, PROTOCOL_VERSION, type Request, requestSchema } from './protocol.js';
import { RateLimit } from './rate-limit.js';
import { roomStats } from './room-stats.js';

/** How long a page has to say hello, and a viewer then to say what it wants, in milliseconds. */
const HELLO_MS = 10_000;
const STATS_MS = 1000;
const PING_MS = 10_000;
/** How long a page may take to answer that its connection is closed, in milliseconds. */
const FAREWELL_MS = 1000;

/** What a peer needs from the relay. */
export interface PeerContext {
  readonly settings: RelaySettings;
  readonly engine: MediaEngine;
  readonly rooms: Rooms;
}

interface Greeted {
  readonly role: 'publish' | 'watch';
  readonly room: Room;
  readonly transport: types.WebRtcTransport;
  readonly publication: Publication | undefined;
}

/** A page at the other end of a WebSocket. */
export class Peer {
  readonly #socket: WebSocket;
  readonly #context: PeerContext;
  readonly #limit = new RateLimit(120, 30, performance.now());
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #onRoomClosed = (reason: string) => this.end('roomClosed', reason);
  #greeted: Greeted | undefined;
  #viewer: Viewer | undefined;
  #requiresMedia = false;
  #work: Promise<void> = Promise.resolve();
  #answersPing = true;
  #closed = false;

  constructor(socket: WebSocket, context: PeerContext) {
    this.#socket = socket;
    this.#context = context;
    socket.on('message', (data, binary) => this.#message(data, binary));
    socket.on('pong', () => {
      this.#answersPing = true;
    });
    socket.on('error', () => undefined);
    socket.once('close', () => this.#close());
    this.#timers.push(
      setTimeout(() => this.#greeted ?? this.end('protocol', 'no hello'), HELLO_MS),
      setInterval(() => this.#ping(), PING_MS),
    );
  }

  /** Sends the reason and closes the connection. */
  end(code: keyof typeof CLOSE_CODES, reason: string): void {
    this.#socket.close(CLOSE_CODES[code], reason.slice(0, 120));
    setTimeout(() => this.#socket.terminate(), FAREWELL_MS).unref();
    this.#close();
  }

  /** Whether it has said hello and was let in. */
  get greeted(): boolean {
    return this.#greeted !== undefined;
  }

  #ping(): void {
    if (!this.#answersPing) {
      this.#socket.terminate();
      return;
    }
    this.#answersPing = false;
    this.#socket.ping();
  }

  #message(data: RawData, binary: boolean): void {
    if (this.#closed) return;
    if (!this.#limit.take(performance.now())) {
      this.end('tooFast', 'too many messages');
      return;
    }
    let request: Request | undefined;
    try {
      if (!binary) request = requestSchema.parse(JSON.parse(data.toString()));
    } catch {
      // Said below, without what was sent: it may hold a secret.
    }
    if (!request) {
      log.warn('malformed message');
      this.end('protocol', 'not a message of this protocol');
      return;
    }
    const asked = request;
    this.#work = this.#work.then(() => this.#answer(asked));
  }

  async #answer(request: Request): Promise<void> {
    if (this.#closed) return;
    try {
      const data = await this.#handle(request);
      this.#send({ id: request.id, ok: true, data: data ?? {} });
    } catch (error) {
      const refusal =
        error instanceof RelayRefusal
          ? error
          : new RelayRefusal(
              error instanceof TypeError ? 'bad-request' : 'internal',
              'the request could not be served',
            );
      log.warn({ method: request.method, code: refusal.code, error: String(error) }, 'request refused');
      this.#send({ id: request.id, ok: false, error: { code: refusal.code, message: refusal.message } });
      if (request.method === 'hello')
        this.end(refusal.code === 'unauthorized' ? 'unauthorized' : 'refused', refusal.message);
    }
  }

  async #handle(request: Request): Promise<unknown> {
    if (request.method === 'hello') return this.#hello(request.data);
    const greeted = this.#greeted;
    if (!greeted) throw new RelayRefusal('bad-request', 'hello comes first');
    const { room, transport, publication } = greeted;
    switch (request.method) {
      case 'connect':
        await transport.connect({ dtlsParameters: request.data.dtlsParameters as unknown as types.DtlsParameters });
        return undefined;
      case 'restartIce':
        return { iceParameters: await transport.restartIce() };
      case 'produce': {
        if (!publication) throw new RelayRefusal('forbidden', 'this connection watches');
        const { kind, rtpParameters } = request.data;
        return { producerId: await publication.produce(kind, rtpParameters as unknown as types.RtpParameters) };
      }
      case 'closeProducer':
        publication?.closeTrack(request.data.producerId);
        return undefined;
      case 'watch': {
        if (this.#viewer) throw new RelayRefusal('conflict', 'this connection watches already');
        const capabilities = request.data.rtpCapabilities as unknown as types.RtpCapabilities;
        this.#viewer = new Viewer(room, transport, capabilities, request.data.sources, {
          added: ({ id, producerId, kind, rtpParameters }, source) => {
            this.#send({ event: 'track', data: { consumerId: id, producerId, kind, rtpParameters, source } });
            // Before there is something to be sent, a viewer has nothing to connect.
            this.#requireMedia(transport);
          },
          removed: (consumerId) => this.#send({ event: 'trackEnded', data: { consumerId } }),
          untakeable: (pictures) => this.#send({ event: 'untakeable', data: { pictures } }),
        });
        return undefined;
      }
      case 'select':
        this.#viewer?.select(request.data.sources);
        return undefined;
      case 'resume':
        await this.#viewer?.resume(request.data.consumerId);
        return undefined;
    }
  }

  async #hello(data: Extract<Request, { method: 'hello' }>['data']): Promise<unknown> {
    const { settings, engine, rooms } = this.#context;
    if (this.#greeted) throw new RelayRefusal('conflict', 'hello was said already');
    if (data.version !== PROTOCOL_VERSION) {
      throw new RelayRefusal('bad-request', `this relay speaks version ${PROTOCOL_VERSION}; load the page again`);
    }
    if (settings.token !== undefined && !sameSecret(data.token ?? '', settings.token)) {
      throw new RelayRefusal('unauthorized', 'the token is missing or wrong');
    }
    const { role } = data;
    if (role === 'watch' && !data.room) throw new RelayRefusal('bad-request', 'no room was named');
    const room = await rooms.open(data.room ?? newRoomId(), role);
    const publication = role === 'publish' ? await room.publish(data.key, 'page') : undefined;
    const transport = publication?.transport ?? (await engine.createWebRtcTransport(room.router, 'page'));
    if (this.#closed || room.closed) {
      transport.close();
      throw new RelayRefusal('not-found', 'the room is gone');
    }
    this.#greeted = { role, room, transport, publication };
    room.once('closed', this.#onRoomClosed);
    transport.observer.once('close', () => {
      // Of a worker that died all pages are told at once, by whoever knows whether another one follows.
      if (!engine.alive) return;
      if (publication?.replaced) this.end('replaced', 'another tab or program publishes here now');
      else this.end('roomClosed', publication?.reason ?? 'the media connection ended');
    });
    let lost = false;
    transport.on('icestatechange', (state) => {
      const gone = state === 'disconnected' || state === 'closed';
      if (gone !== lost) this.#send({ event: gone ? 'iceLost' : 'iceBack', data: {} });
      lost = gone;
    });
    this.#timers.push(setInterval(() => this.#send({ event: 'stats', data: roomStats(room) }), STATS_MS));
    if (publication) this.#requireMedia(transport);
    else this.#timers.push(setTimeout(() => this.#viewer ?? this.end('protocol', 'no watch'), HELLO_MS));
    return {
      version: PROTOCOL_VERSION,
      room: room.id,
      routerRtpCapabilities: offeredCapabilities(room.router.rtpCapabilities),
      iceServers: settings.iceServers,
      maxBitrate: settings.maxBitrate,
      transport: {
        id: transport.id,
        iceParameters: transport.iceParameters,
        iceCandidates: engine.candidates(transport),
        dtlsParameters: transport.dtlsParameters,
      },
    };
  }

  #requireMedia(transport: types.WebRtcTransport): void {
    if (this.#requiresMedia) return;
    this.#requiresMedia = true;
    requireMedia(transport, () => this.end('noMedia', NO_MEDIA));
  }

  #send(message: object): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#viewer?.close();
    const greeted = this.#greeted;
    if (!greeted) return;
    greeted.room.off('closed', this.#onRoomClosed);
    if (greeted.publication) void greeted.publication.close();
    else greeted.transport.close();
  }
}
