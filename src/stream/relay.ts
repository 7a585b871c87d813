import { requireFfmpeg } from '../shared/ffmpeg.js';
import { log } from '../shared/log.js';
import { requireEncoder } from './bridge/encoder-process.js';
import { RelayServer } from './http/server.js';
import { MediaEngine } from './media/engine.js';
import type { RelayCounters } from './metrics.js';
import { ModelLadder } from './model-ladder.js';
import { type RelayOptions, resolveOptions } from './options.js';
import { Rooms } from './room/rooms.js';
import { WhipEndpoint } from './whip/endpoint.js';

/** A relay that runs. */
export interface Relay {
  /** Where the page is. */
  readonly url: string;
  /** UDP and TCP port of all media. */
  readonly mediaPort: number;
  /** Addresses that clients are told for media. */
  readonly mediaAddresses: readonly string[];
  /** What runs now: for tests and for people who embed the relay. */
  readonly state: RelayState;
  /** Takes no one in any more, waits until the last room is empty or the time is over, and closes. */
  drain(graceMs: number): Promise<void>;
  /** Ends all connections, processes and sessions. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Numbers of a running relay. */
export interface RelayState {
  readonly rooms: number;
  readonly viewers: number;
  /** Pages connected. */
  readonly peers: number;
  /** WHIP and WHEP sessions. */
  readonly sessions: number;
  /** Process ids of ffmpegs. */
  readonly ffmpegPids: readonly number[];
  readonly workerPid: number | undefined;
  /** Open media transports: of clients, and of the relay's own. */
  readonly transports: number;
}

/**
 * Starts the relay: WebRTC in, upscaled WebRTC out.
 *
 * @throws TinySRError `TSR_RELAY_CONFIG`, `TSR_RELAY_LISTEN`, `TSR_MEDIASOUP_MISSING`, `TSR_FFMPEG_*`,
 * `TSR_ENCODER_MISSING`, `TSR_MODEL_*`
 */
export async function createRelay(options: RelayOptions = {}): Promise<Relay> {
  const settings = resolveOptions(options);
  requireEncoder(await requireFfmpeg(), settings.codec);
  const models = new ModelLadder(settings);
  await models.get();
  const engine = await MediaEngine.start(settings);
  const rooms = new Rooms(settings, engine, models);
  const counters: RelayCounters = { connections: 0, refused: 0 };
  const context = { settings, engine, rooms };
  const whip = new WhipEndpoint(context, counters);
  let server: RelayServer;
  try {
    server = await RelayServer.listen(context, [whip.serve], counters);
  } catch (error) {
    await engine.close();
    throw error;
  }
  let draining = false;
  engine.on('died', () => {
    // Ctrl-C in a terminal goes to the worker as well: then there is nothing left to wait for.
    if (draining) return void close();
    server.restartPeers();
    void rooms.close('the media worker ended');
  });
  log.info({ url: server.url, mediaPort: engine.mediaPort }, 'relay listens');

  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      await server.close();
      await rooms.close('the relay is shutting down');
      await engine.close();
      log.info('relay closed');
    })();
    return closing;
  };
  return {
    url: server.url,
    mediaPort: engine.mediaPort,
    get mediaAddresses() {
      return engine.announced;
    },
    get state() {
      return {
        rooms: rooms.all.length,
        viewers: rooms.all.reduce((sum, room) => sum + room.viewers, 0),
        peers: server.peers,
        sessions: whip.sessions,
        ffmpegPids: rooms.all.flatMap((room) => [...(room.publication?.pids ?? [])]),
        workerPid: engine.workerPid,
        transports: engine.transports,
      };
    },
    async drain(graceMs) {
      draining = true;
      server.drain();
      engine.retire();
      const until = Date.now() + graceMs;
      while (
        engine.alive &&
        Date.now() < until &&
        (server.peers > 0 || rooms.all.some((room) => room.publication || room.viewers))
      ) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await close();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
