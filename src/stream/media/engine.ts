import { lookup } from 'node:dns/promises';
import { EventEmitter } from 'node:events';
import { networkInterfaces } from 'node:os';
import type { types } from 'mediasoup';
import { TinySRError } from '../../shared/errors.js';
import { log } from '../../shared/log.js';
import type { RelaySettings } from '../options.js';
import { AnnouncedAddresses } from './announced.js';
import { ROOM_CODECS } from './codecs.js';
import { loadMediasoup, type Mediasoup, startWorker } from './load.js';

interface Running {
  readonly worker: types.Worker;
  readonly server: types.WebRtcServer;
}

/**
 * Seconds without a check of consent (RFC 7675) after which a client counts as gone. Browsers check more often than they
 * must, and pages connect again by themselves; other programs get the time that the RFC gives.
 */
const CONSENT_S = { page: 15, program: 30 } as const;

/** Who is at the other end of a transport: the relay's page, or a program that speaks WHIP or WHEP. */
export type ClientKind = keyof typeof CONSENT_S;

/** Where the media worker is reached from this machine. */
export interface MediaAddress {
  readonly ip: string;
  readonly port: number;
}

/** What stands for all addresses of the machine, and one of them. */
const LOOPBACK: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/** Free ports that are tried when none was asked for. */
const PORT_TRIES = 5;

/**
 * How long after a worker's end it is told of, in milliseconds. Ctrl-C in a terminal goes to the worker as well, whose end may
 * be known here before the signal is: whether another worker follows is clear then.
 */
const SIGNAL_MS = 100;

/** How long to wait before the next try to start a worker that died, in milliseconds. */
const RESTART_DELAYS = [0, 250, 1000, 2000, 5000];

/**
 * The mediasoup worker and its one port. When the worker dies, `died` is emitted (everything on it is gone), a new one
 * is started, and `restarted` is emitted.
 */
export class MediaEngine extends EventEmitter<{ died: []; restarted: [] }> {
  readonly #settings: RelaySettings;
  readonly #mediasoup: Mediasoup;
  #running: Running | undefined;
  #retired = false;
  #restarts = 0;
  #mediaPort: number;
  #ip = '';
  #transports = 0;
  #announced: AnnouncedAddresses | undefined;

  private constructor(settings: RelaySettings, mediasoup: Mediasoup) {
    super();
    this.#settings = settings;
    this.#mediasoup = mediasoup;
    this.#mediaPort = settings.mediaPort;
  }

  /** Starts the worker. @throws TinySRError `TSR_MEDIASOUP_MISSING`, `TSR_RELAY_LISTEN` */
  static async start(settings: RelaySettings): Promise<MediaEngine> {
    const engine = new MediaEngine(settings, await loadMediasoup());
    await engine.#start();
    return engine;
  }

  /** Port of all media. */
  get mediaPort(): number {
    return this.#mediaPort;
  }

  /** From here on a worker that ends is not started again. */
  retire(): void {
    this.#retired = true;
  }

  /** Whether a worker runs. */
  get alive(): boolean {
    return this.#running !== undefined && !this.#running.worker.died;
  }

  /** Process id of the worker. */
  get workerPid(): number | undefined {
    return this.#running?.worker.pid;
  }

  /** How often a worker was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The worker that runs. @throws TinySRError `TSR_INTERNAL` between the end of one and the start of the next */
  get running(): Running {
    if (this.#running) return this.#running;
    throw new TinySRError('TSR_INTERNAL', 'the media worker is being restarted', { hint: 'Try again in a second.' });
  }

  /** Transports that are open: of browsers, and of the relay's own. */
  get transports(): number {
    return this.#transports;
  }

  /** Opens the router of a room, with payload types of its own if given. */
  createRouter(codecs: readonly types.RouterRtpCodecCapability[] = ROOM_CODECS): Promise<types.Router> {
    return this.running.worker.createRouter({ mediaCodecs: [...codecs] });
  }

  /** Opens a client's transport on the one port. */
  async createWebRtcTransport(router: types.Router, client: ClientKind): Promise<types.WebRtcTransport> {
    const transport = await router.createWebRtcTransport({
      webRtcServer: this.running.server,
      enableUdp: true,
      enableTcp: true,
      preferUdp: true,
      initialAvailableOutgoingBitrate: 4_000_000,
      iceConsentTimeout: CONSENT_S[client],
    });
    await transport.setMaxIncomingBitrate(this.#settings.maxBitrate);
    return transport;
  }

  /** Where the worker is reached from this machine. */
  get mediaAddress(): MediaAddress {
    return { ip: LOOPBACK.get(this.#ip) ?? this.#ip, port: this.#mediaPort };
  }

  /** Addresses that clients are told, one at least. */
  get announced(): readonly string[] {
    return this.#announced?.all ?? [this.#ip];
  }

  /** Where clients reach a transport. mediasoup announces one address, and never another port. */
  candidates({ iceCandidates }: types.WebRtcTransport): types.IceCandidate[] {
    return iceCandidates.flatMap((candidate) =>
      this.announced.map((address, index) => ({
        ...candidate,
        address,
        priority: candidate.priority - index,
        port: this.#settings.announcedPort ?? candidate.port,
      })),
    );
  }

  async #start(): Promise<void> {
    const address = await listenAddress(this.#settings);
    this.#ip = address.ip;
    this.#announced ??= await AnnouncedAddresses.find(address.announcedAddress ?? address.ip, address.ip);
    const worker = await startWorker(this.#mediasoup);
    worker.observer.on('newrouter', (router) =>
      router.observer.on('newtransport', (transport) => {
        this.#transports += 1;
        transport.observer.once('close', () => {
          this.#transports -= 1;
        });
      }),
    );
    try {
      const server = await this.#listen(worker, address);
      worker.on('died', (error) => void this.#died(error));
      this.#running = { worker, server };
      log.info({ pid: worker.pid, mediaPort: this.#mediaPort }, 'media worker started');
    } catch (cause) {
      worker.close();
      throw new TinySRError('TSR_RELAY_LISTEN', `cannot listen for media on ${address.ip} port ${this.#mediaPort}`, {
        hint: 'Is another relay running? Give a free port with --media-port.',
        cause,
      });
    }
  }

  async #listen(worker: types.Worker, address: ListenAddress): Promise<types.WebRtcServer> {
    for (let attempt = 1; ; attempt += 1) {
      const port = this.#mediaPort || (await freePort(worker, address));
      const info = { ...address, port, sendBufferSize: 4 << 20, recvBufferSize: 4 << 20 };
      try {
        const server = await worker.createWebRtcServer({
          listenInfos: [
            { protocol: 'udp', ...info },
            { protocol: 'tcp', ...info },
          ],
        });
        this.#mediaPort = port;
        return server;
      } catch (error) {
        // A port that is free for UDP may be somebody's for TCP; another one then does.
        if (this.#mediaPort || attempt >= PORT_TRIES) throw error;
      }
    }
  }

  async #died(error: Error): Promise<void> {
    this.#running = undefined;
    await new Promise((resolve) => setTimeout(resolve, SIGNAL_MS));
    if (!this.#retired) log.error({ error: error.message }, 'media worker died');
    this.emit('died');
    await this.#restart();
  }

  async #restart(): Promise<void> {
    for (let attempt = 0; !this.#retired; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, RESTART_DELAYS[Math.min(attempt, RESTART_DELAYS.length - 1)]));
      try {
        if (this.#retired) return;
        await this.#start();
        if (this.#retired) return this.#stopWorker();
        this.#restarts += 1;
        this.emit('restarted');
        return;
      } catch (thrown) {
        log.error({ error: String(thrown), attempt }, 'media worker cannot be started again');
      }
    }
  }

  #stopWorker(): void {
    this.#running?.worker.close();
    this.#running = undefined;
  }

  /** Ends the worker and all that runs on it. Idempotent. */
  async close(): Promise<void> {
    this.#retired = true;
    this.#announced?.close();
    const worker = this.#running?.worker;
    if (!worker) return;
    const exited = new Promise<void>((resolve) => {
      if (worker.subprocessClosed) resolve();
      else worker.once('subprocessclose', resolve);
    });
    this.#stopWorker();
    await exited;
  }
}

interface ListenAddress {
  readonly ip: string;
  readonly announcedAddress?: string;
}

/** Where media is listened for, and what browsers are told. @throws TinySRError `TSR_RELAY_LISTEN` */
async function listenAddress({ host, announcedAddress }: RelaySettings): Promise<ListenAddress> {
  const { address: ip, family } = await lookup(host).catch((cause) => {
    throw new TinySRError('TSR_RELAY_LISTEN', `${host} cannot be resolved`, { cause });
  });
  const own = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  if (!LOOPBACK.has(ip) && !ip.startsWith('127.') && !own.some((entry) => entry.address === ip)) {
    throw new TinySRError('TSR_RELAY_LISTEN', `${ip} is no address of this machine`, {
      hint: 'Listen on one that is (0.0.0.0 stands for all), and tell browsers the other one with --announced-address.',
    });
  }
  if (announcedAddress) return { ip, announcedAddress };
  if (ip !== '0.0.0.0' && ip !== '::') return { ip };
  const outer = own.find((entry) => !entry.internal && entry.family === (family === 6 ? 'IPv6' : 'IPv4'));
  return { ip, announcedAddress: outer?.address ?? (family === 6 ? '::1' : '127.0.0.1') };
}

/** A port that is free for UDP; TCP of the same number mostly is as well. */
async function freePort(worker: types.Worker, address: ListenAddress): Promise<number> {
  const server = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ...address }] });
  const [socket] = (await server.dump()).udpSockets;
  server.close();
  return socket?.port ?? 0;
}
