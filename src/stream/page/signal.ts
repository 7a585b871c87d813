import { Device, type types } from 'mediasoup-client';
import type { MediaLoss } from './media-loss.js';

const VERSION = 1;
/** How long a connection to the relay may take to come about, in milliseconds. */
const OPEN_MS = 10_000;
/**
 * The relay says something every second. After so much silence, in milliseconds, it is out of reach, though the connection
 * looks open: a network that is gone, or has forgotten the connection, does not say so.
 */
const SILENT_MS = 15_000;

/** Answer of the relay to `hello`. */
export interface Welcome {
  readonly room: string;
  readonly routerRtpCapabilities: types.RtpCapabilities;
  readonly iceServers: RTCIceServer[];
  readonly maxBitrate: number;
  readonly transport: types.TransportOptions;
}

/** What the relay says about a room every second. */
export interface RoomStats {
  /** Whether there is a picture. */
  readonly live: boolean;
  readonly sound: boolean;
  readonly viewers: number;
  readonly bridge?: {
    readonly state: 'waiting' | 'running' | 'failing' | 'refused';
    readonly reason?: string;
    readonly source?: string;
    readonly output?: string;
    readonly model?: string;
    readonly fpsIn: number;
    readonly fpsOut: number;
    readonly sizeShare: number;
    readonly ageMs: number;
    readonly displaced: number;
    readonly packetsLost: number;
  };
}

/** A track the relay sends. */
export interface TrackOffer {
  readonly consumerId: string;
  readonly producerId: string;
  readonly kind: 'audio' | 'video';
  readonly rtpParameters: types.RtpParameters;
  readonly source: 'original' | 'upscaled';
}

/** A picture in a codec that this browser does not decode. */
export interface Untakeable {
  readonly source: 'original' | 'upscaled';
  readonly codec: string;
}

/** The relay said no. */
export class Refused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Events {
  track?(offer: TrackOffer): void;
  trackEnded?(data: { consumerId: string }): void;
  /** The pictures that are wanted and not sent for their codec, whenever there are others. */
  untakeable?(data: { pictures: readonly Untakeable[] }): void;
  stats?(stats: RoomStats): void;
  /** The relay has lost this page's media connection, or has it again. */
  ice?(lost: boolean): void;
}

interface Hello {
  readonly role: 'publish' | 'watch';
  readonly room: string | undefined;
  readonly key?: string | undefined;
  readonly token: string | undefined;
}

/** The WebSocket to the relay. */
export class Signal {
  readonly #socket: WebSocket;
  readonly #events: Events;
  /** Resolves with the reason when the connection is over. */
  readonly ended: Promise<Refused>;
  readonly #waiting = new Map<number, { resolve(data: never): void; reject(error: Error): void }>();
  #nextId = 1;
  #refused: Refused | undefined;
  #heardAt = performance.now();

  private constructor(socket: WebSocket, events: Events) {
    this.#socket = socket;
    this.#events = events;
    socket.onmessage = ({ data }) => {
      this.#heardAt = performance.now();
      this.#message(JSON.parse(data as string));
    };
    this.ended = new Promise((resolve) => {
      const end = (code: string, reason: string) => {
        clearInterval(watch);
        const refused = this.#refused ?? new Refused(code, reason || 'the connection was lost');
        for (const { reject } of this.#waiting.values()) reject(refused);
        this.#waiting.clear();
        resolve(refused);
      };
      const watch = setInterval(() => {
        if (performance.now() - this.#heardAt < SILENT_MS) return;
        // Closing it says goodbye first and waits for an answer that nobody may give.
        end('silent', '');
        socket.close();
      }, 1000);
      socket.onclose = ({ code, reason }) => end(String(code), reason);
    });
  }

  /** Connects and says hello. */
  static async open(hello: Hello, events: Events): Promise<{ signal: Signal; welcome: Welcome }> {
    const url = new URL('/signal', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Refused('unreachable', 'the relay does not answer'));
      const timer = setTimeout(() => {
        fail();
        socket.close();
      }, OPEN_MS);
      socket.onopen = () => {
        clearTimeout(timer);
        resolve();
      };
      socket.onerror = () => {
        clearTimeout(timer);
        fail();
      };
    });
    const signal = new Signal(socket, events);
    const data = Object.fromEntries(Object.entries({ version: VERSION, ...hello }).filter(([, v]) => v !== undefined));
    return { signal, welcome: await signal.ask<Welcome>('hello', data) };
  }

  #message(message: {
    id?: number;
    ok?: boolean;
    data?: unknown;
    error?: { code: string; message: string };
    event?: string;
  }): void {
    if (message.id !== undefined) {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.ok) waiting?.resolve(message.data as never);
      else {
        this.#refused = new Refused(message.error?.code ?? 'internal', message.error?.message ?? 'refused');
        waiting?.reject(this.#refused);
      }
    } else if (message.event === 'track') this.#events.track?.(message.data as TrackOffer);
    else if (message.event === 'trackEnded') this.#events.trackEnded?.(message.data as { consumerId: string });
    else if (message.event === 'untakeable')
      this.#events.untakeable?.(message.data as { pictures: readonly Untakeable[] });
    else if (message.event === 'stats') this.#events.stats?.(message.data as RoomStats);
    else if (message.event === 'iceLost') this.#events.ice?.(true);
    else if (message.event === 'iceBack') this.#events.ice?.(false);
  }

  /** Asks the relay something. */
  ask<T = unknown>(method: string, data: object = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(new Refused('closed', 'the connection is closed'));
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve: resolve as (data: never) => void, reject });
      this.#socket.send(JSON.stringify({ id, method, data }));
    });
  }

  close(): void {
    this.#socket.close(1000);
  }
}

/** Opens the one transport of a connection. */
export async function openTransport(
  signal: Signal,
  welcome: Welcome,
  direction: 'send' | 'receive',
  loss: MediaLoss,
): Promise<{ device: types.Device; transport: types.Transport }> {
  const device = await Device.factory();
  await device.load({ routerRtpCapabilities: welcome.routerRtpCapabilities });
  const options = { ...welcome.transport, iceServers: welcome.iceServers };
  const transport = direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
  transport.on('connect', ({ dtlsParameters }, done, failed) => {
    signal.ask('connect', { dtlsParameters }).then(done, failed);
  });
  transport.on('produce', ({ kind, rtpParameters }, done, failed) => {
    signal
      .ask<{ producerId: string }>('produce', { kind, rtpParameters })
      .then(({ producerId }) => done({ id: producerId }), failed);
  });
  loss.follow(transport, () => {
    signal
      .ask<{ iceParameters: types.IceParameters }>('restartIce')
      .then(({ iceParameters }) => transport.restartIce({ iceParameters }))
      .catch(() => undefined);
  });
  return { device, transport };
}
