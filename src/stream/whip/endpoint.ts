import type { IncomingMessage, ServerResponse } from 'node:http';
import type { types } from 'mediasoup';
import { log } from '../../shared/log.js';
import { fromOwnPage } from '../http/origin.js';
import type { PeerContext } from '../http/peer.js';
import { AddressRateLimit } from '../http/rate-limit.js';
import { readBody, requireToken } from '../http/request.js';
import { offeredCapabilities } from '../media/codecs.js';
import { requireMedia } from '../media/no-media.js';
import type { RelayCounters } from '../metrics.js';
import { RelayRefusal } from '../relay-error.js';
import type { Source } from '../room/publication.js';
import type { Watcher } from '../room/room.js';
import { type Answered, writeAnswer } from './answer.js';
import { vouchForMedia } from './consent.js';
import { sentTracks, viewerCapabilities } from './negotiate.js';
import { MAX_SDP, type Offer, readOffer } from './offer.js';
import { HttpSession } from './session.js';
import { matchTracks, profileCodecs } from './whep-codecs.js';

/** What a session is changed with: candidates, or new credentials (RFC 8840). */
const FRAGMENT = 'application/trickle-ice-sdpfrag';

/** WHIP (RFC 9725) at /whip/<room> and WHEP (draft-ietf-wish-whep) at /whep/<room>. */
export class WhipEndpoint {
  readonly #context: PeerContext;
  readonly #counters: RelayCounters;
  readonly #sessions = new Map<string, HttpSession>();
  readonly #limit = new AddressRateLimit(60, 20);

  constructor(context: PeerContext, counters: RelayCounters) {
    this.#context = context;
    this.#counters = counters;
  }

  /** Sessions that are open. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Serves a request when its path is one of ours. @param draining sessions may end, none may begin */
  readonly serve = async (
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    draining: boolean,
  ): Promise<boolean> => {
    const match = /^\/(whip|whep)\/(?:(session)\/([\w-]{1,64})|([\w-]{1,64}))$/.exec(url.pathname);
    if (!match) return false;
    const kind = match[1] as 'whip' | 'whep';
    this.#cors(request, response);
    if (request.method === 'OPTIONS') {
      response.setHeader('access-control-allow-methods', match[2] ? 'PATCH, DELETE, OPTIONS' : 'POST, OPTIONS');
      response.setHeader('access-control-allow-headers', 'authorization, content-type, if-match');
      response.setHeader('access-control-max-age', '600');
      if (match[2]) response.setHeader('accept-patch', FRAGMENT);
      else response.setHeader('accept-post', 'application/sdp');
      response.writeHead(204).end();
      return true;
    }
    if (!this.#limit.take(request.socket.remoteAddress, performance.now()))
      throw new RelayRefusal('too-many-requests', 'too many requests');
    requireToken(request, this.#context.settings.token);
    if (match[3] !== undefined) await this.#session(request, response, kind, match[3]);
    else if (draining) throw new RelayRefusal('restarting', 'the relay is shutting down');
    else await this.#create(request, response, kind, match[4] ?? '', url);
    return true;
  };

  #cors(request: IncomingMessage, response: ServerResponse): void {
    const { token, allowOrigins } = this.#context.settings;
    const { origin } = request.headers;
    // Without a token only named sites may reach the relay through somebody's browser.
    const allowed = token !== undefined ? '*' : allowOrigins.find((candidate) => candidate === origin);
    if (!allowed) {
      if (!fromOwnPage(request, this.#context.settings)) {
        throw new RelayRefusal('forbidden', 'this site may not use the relay');
      }
      return;
    }
    response.setHeader('access-control-allow-origin', allowed);
    response.setHeader('access-control-expose-headers', 'location, etag, link, accept-patch');
    response.setHeader('vary', 'origin');
  }

  async #create(
    request: IncomingMessage,
    response: ServerResponse,
    kind: 'whip' | 'whep',
    room: string,
    url: URL,
  ): Promise<void> {
    if (request.method !== 'POST') {
      throw new RelayRefusal('method-not-allowed', 'an offer is sent with POST', { allow: 'POST, OPTIONS' });
    }
    requireType(request, 'application/sdp');
    const offer = readOffer(await readBody(request, MAX_SDP));
    const { session, answer } =
      kind === 'whip'
        ? await this.#publish(offer, room, url.searchParams.get('key') ?? undefined)
        : await this.#watch(offer, room, sourceOf(url));
    this.#counters.connections += 1;
    // Whoever went away meanwhile never learns of the session, and could not end it.
    if (response.destroyed) return session.close();
    for (const server of this.#context.settings.iceServers) {
      for (const address of [server.urls].flat()) {
        const login = server.username
          ? `; username=${JSON.stringify(server.username)}; credential=${JSON.stringify(server.credential ?? '')}; credential-type="password"`
          : '';
        response.appendHeader('link', `<${address}>; rel="ice-server"${login}`);
      }
    }
    response.writeHead(201, {
      ...{ 'content-type': 'application/sdp', location: session.path },
      ...{ etag: session.etag, 'accept-patch': FRAGMENT },
    });
    response.end(answer);
  }

  async #publish(offer: Offer, roomId: string, key: string | undefined) {
    if (key !== undefined && (key.length < 16 || key.length > 128)) {
      throw new RelayRefusal('bad-request', 'a key has 16 to 128 characters');
    }
    const { rooms, engine } = this.#context;
    const room = await rooms.open(roomId, 'publish');
    const capabilities = offeredCapabilities(room.router.rtpCapabilities);
    const sent = sentTracks(offer.media, capabilities);
    const publication = await room.publish(key, 'program');
    const { transport } = publication;
    try {
      await transport.connect({ dtlsParameters: offer.dtlsParameters });
      for (const [media, parameters] of sent)
        await publication.produce(media.kind, parameters, media.ridsBySize !== undefined);
      const answered = offer.media.map((media): Answered => {
        const parameters = sent.get(media);
        return { offered: media, rtp: parameters && { direction: 'recvonly', parameters } };
      });
      const session = this.#open('whip', transport, offer.iceUfrag, () => void publication.close());
      return { session, answer: writeAnswer(offer, answered, { transport, candidates: engine.candidates(transport) }) };
    } catch (error) {
      await publication.close();
      // What mediasoup says no to lies in the offer, as long as there is a worker to say it.
      if (error instanceof RelayRefusal || room.closed || !engine.alive) throw error;
      throw new RelayRefusal('bad-request', `the offer makes no sense: ${(error as Error).message}`);
    }
  }

  async #watch(offer: Offer, roomId: string, source: Source) {
    const { rooms, engine } = this.#context;
    const room = rooms.find(roomId);
    // A page is told when tracks change; what is answered here has to stay.
    if (source === 'original') await room?.publication?.ready();
    const publication = room?.publication;
    if (!room || !publication) throw new RelayRefusal('not-found', 'nobody publishes in this room');
    const matched = matchTracks(offer.media, publication.tracks(source));
    const watcher: Watcher = { wantsUpscaled: source === 'upscaled' };
    room.join(watcher);
    const cleanups: (() => void)[] = [() => room.leave(watcher)];
    const cleanUp = () => {
      for (const cleanup of cleanups.splice(0).reverse()) cleanup();
    };
    try {
      const lease = await room.profiles.lease(profileCodecs(matched));
      cleanups.push(() => lease.release());
      const transport = await engine.createWebRtcTransport(lease.router, 'program');
      cleanups.push(() => transport.close());
      await transport.connect({ dtlsParameters: offer.dtlsParameters });
      const capabilities = viewerCapabilities(
        matched.map(({ media }) => media),
        lease.router.rtpCapabilities,
      );
      const answers = new Map<string, types.RtpParameters>();
      let session: HttpSession | undefined;
      let gone = false;
      for (const { media, producer } of matched) {
        const consumer = await transport.consume({
          producerId: await lease.pipe(producer),
          rtpCapabilities: capabilities,
          mid: media.mid,
          paused: media.kind === 'video',
        });
        consumer.once('producerclose', () => {
          gone = true;
          session?.close();
        });
        // The key frame is asked for when the far side can take it.
        if (media.kind === 'video') {
          const resume = () => void consumer.resume().catch(() => undefined);
          if (transport.dtlsState === 'connected') resume();
          else transport.on('dtlsstatechange', (state) => state === 'connected' && resume());
        }
        answers.set(media.mid, consumer.rtpParameters);
      }
      if (gone) throw new RelayRefusal('not-found', 'the publisher has just left');
      session = this.#open('whep', transport, offer.iceUfrag, cleanUp);
      const answered = offer.media.map((media): Answered => {
        const parameters = answers.get(media.mid);
        return { offered: media, rtp: parameters && { direction: 'sendonly', parameters } };
      });
      return { session, answer: writeAnswer(offer, answered, { transport, candidates: engine.candidates(transport) }) };
    } catch (error) {
      cleanUp();
      throw error instanceof TypeError
        ? new RelayRefusal('bad-request', `the offer makes no sense: ${error.message}`)
        : error;
    }
  }

  #open(kind: 'whip' | 'whep', transport: types.WebRtcTransport, ufrag: string, close: () => void): HttpSession {
    const stopWaiting = requireMedia(transport, () => session.close());
    const stopVouching = vouchForMedia(transport, this.#context.engine.mediaAddress, () => session.close());
    const session = new HttpSession(kind, transport, ufrag, () => {
      stopWaiting();
      stopVouching();
      this.#sessions.delete(session.id);
      close();
      log.info({ kind }, 'session ended');
    });
    this.#sessions.set(session.id, session);
    transport.observer.once('close', () => session.close());
    transport.on('dtlsstatechange', (state) => {
      if (state === 'closed' || state === 'failed') session.close();
    });
    transport.on('icestatechange', (state) => {
      if (state === 'disconnected' || state === 'closed') session.close();
    });
    return session;
  }

  async #session(request: IncomingMessage, response: ServerResponse, kind: 'whip' | 'whep', id: string): Promise<void> {
    const session = this.#sessions.get(id);
    if (session?.kind !== kind) throw new RelayRefusal('not-found', 'there is no such session');
    if (request.method === 'DELETE') {
      session.close();
      response.writeHead(200).end();
      return;
    }
    if (request.method !== 'PATCH') {
      const allow = 'PATCH, DELETE, OPTIONS';
      throw new RelayRefusal('method-not-allowed', 'a session takes PATCH and DELETE', { allow });
    }
    requireType(request, FRAGMENT);
    const fragment = await readBody(request, MAX_SDP);
    const match = request.headers['if-match'];
    if (match === undefined)
      throw new RelayRefusal('precondition-required', 'If-Match names the state that is changed');
    const tags = match.split(',').map((tag) => tag.trim());
    // RFC 9725 writes the wildcard in quotes in its example, RFC 9110 without.
    const any = tags.includes('*') || tags.includes('"*"');
    if (!any && !tags.includes(session.etag)) {
      throw new RelayRefusal('precondition-failed', 'the session has changed since');
    }
    const ufrag = /^a=ice-ufrag:(\S+)/m.exec(fragment)?.[1];
    // The relay is an ICE-lite agent: it answers whoever knows the password and needs no candidates.
    if (ufrag === undefined || (!any && ufrag === session.remoteUfrag)) {
      response.writeHead(204, { etag: session.etag }).end();
      return;
    }
    const { usernameFragment, password } = await session.restartIce(ufrag);
    response.writeHead(200, { 'content-type': FRAGMENT, etag: session.etag });
    response.end(`a=ice-lite\r\na=ice-ufrag:${usernameFragment}\r\na=ice-pwd:${password}\r\n`);
  }
}

function requireType(request: IncomingMessage, type: string): void {
  const given = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (given !== type) throw new RelayRefusal('unsupported-media', `the body must be ${type}`);
}

function sourceOf(url: URL): Source {
  const source = url.searchParams.get('source') ?? 'upscaled';
  if (source !== 'upscaled' && source !== 'original') {
    throw new RelayRefusal('bad-request', 'source is original or upscaled');
  }
  return source;
}
