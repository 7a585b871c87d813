import { randomBytes } from 'node:crypto';
import type { types } from 'mediasoup';
import { log } from '../../shared/log.js';
import { AudioDelay } from '../bridge/audio-delay.js';
import { Bridge, type BridgeStats } from '../bridge/bridge.js';
import { VideoOutlet } from '../bridge/outlet.js';
import type { ModelLadder } from '../model-ladder.js';
import type { RelaySettings } from '../options.js';
import { RelayRefusal } from '../relay-error.js';
import type { InputCodec } from '../rtp/assembler.js';
import { openTap } from './tap.js';

/** Which picture a viewer gets. */
export type Source = 'original' | 'upscaled';

/** How long the bridge goes on when nobody watches any more, in milliseconds. */
const LINGER_MS = 3000;
/** How often the publisher's bit rate is looked at, in milliseconds, and how often in a row it may be too high. */
const BITRATE_MS = 2000;
const BITRATE_STRIKES = 3;
/** How often the sound's delay follows the picture's, in milliseconds. */
const FOLLOW_MS = 500;

const INPUT_CODECS: Readonly<Record<string, InputCodec>> = {
  'video/vp8': 'vp8',
  'video/vp9': 'vp9',
  'video/h264': 'h264',
};

/** What a publication needs from the relay. */
export interface PublicationOptions {
  readonly settings: RelaySettings;
  readonly models: ModelLadder;
  readonly router: types.Router;
  readonly transport: types.WebRtcTransport;
  readonly room: string;
  /** Tracks came or went. */
  changed(): void;
}

/** What one publisher sends to a room, and what is made of it. */
export class Publication {
  readonly #options: PublicationOptions;
  readonly #cname = randomBytes(8).toString('hex');
  #video: types.Producer | undefined;
  #audio: types.Producer | undefined;
  #direct: Promise<types.DirectTransport> | undefined;
  #outlet: VideoOutlet | undefined;
  #audioDelay: AudioDelay | undefined;
  #tap: types.Consumer | undefined;
  #bridge: Bridge | undefined;
  #wanted = false;
  #switching: Promise<void> = Promise.resolve();
  #linger: NodeJS.Timeout | undefined;
  #follow: NodeJS.Timeout | undefined;
  readonly #police: NodeJS.Timeout;
  #strikes = 0;
  #reason: string | undefined;
  #closed = false;

  constructor(options: PublicationOptions) {
    this.#options = options;
    options.transport.observer.once('close', () => void this.close());
    this.#police = setInterval(() => void this.#checkBitrate(), BITRATE_MS);
    this.#police.unref();
  }

  /** Browsers hold the limit they are told; whoever does not, is sent away. */
  async #checkBitrate(): Promise<void> {
    const { transport, settings, room } = this.#options;
    const [stats] = await transport.getStats().catch(() => []);
    this.#strikes = (stats?.rtpRecvBitrate ?? 0) > settings.maxBitrate * 1.25 ? this.#strikes + 1 : 0;
    if (this.#strikes < BITRATE_STRIKES || this.#closed) return;
    log.warn({ room, bitrate: stats?.rtpRecvBitrate }, 'publisher sends too much');
    this.#reason = `more than ${settings.maxBitrate} bits a second were sent`;
    await this.close();
  }

  /** The browser's transport. */
  get transport(): types.WebRtcTransport {
    return this.#options.transport;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Why the relay ended it. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** What the bridge does; undefined while nobody wants it. */
  get bridgeStats(): BridgeStats | undefined {
    return this.#bridge?.stats;
  }

  /** Process ids of the ffmpegs. */
  get pids(): readonly number[] {
    return this.#bridge?.pids ?? [];
  }

  /** Delay of the sound that goes with the upscaled picture, in milliseconds. */
  get audioDelayMs(): number | undefined {
    return this.#audioDelay?.delayMs;
  }

  /** The tracks a viewer of this source gets. */
  tracks(source: Source): { readonly video: types.Producer | undefined; readonly audio: types.Producer | undefined } {
    return source === 'original'
      ? { video: this.#video, audio: this.#audio }
      : { video: this.#outlet?.producer, audio: this.#audioDelay?.producer ?? this.#audio };
  }

  /** Takes a track of the publisher. @throws RelayRefusal when there is one of the kind already */
  async produce(kind: types.MediaKind, rtpParameters: types.RtpParameters): Promise<types.Producer> {
    const { transport, router, settings } = this.#options;
    if (kind === 'video' ? this.#video : this.#audio)
      throw new RelayRefusal('conflict', `there is a ${kind} track already`);
    const producer = await transport.produce({ kind, rtpParameters, keyFrameRequestDelay: 500 });
    try {
      this.#direct ??= router.createDirectTransport();
      const direct = await this.#direct;
      if (kind === 'video') {
        this.#video = producer;
        this.#outlet = await VideoOutlet.open(router, direct, settings.codec, this.#cname);
      } else {
        this.#audio = producer;
        this.#audioDelay = await AudioDelay.open(router, direct, producer, this.#cname);
        this.#follow ??= setInterval(() => this.#followAge(), FOLLOW_MS);
      }
    } catch (error) {
      producer.close();
      throw error;
    }
    producer.observer.once('close', () => this.#ended(producer));
    if (this.#wanted) this.#switch();
    this.#options.changed();
    return producer;
  }

  /** Ends a track, by its id. */
  closeTrack(producerId: string): void {
    for (const producer of [this.#video, this.#audio]) if (producer?.id === producerId) producer.close();
  }

  #ended(producer: types.Producer): void {
    if (this.#closed) return;
    if (producer === this.#audio) {
      this.#audio = undefined;
      this.#audioDelay?.close();
      this.#audioDelay = undefined;
    }
    if (producer === this.#video) {
      this.#video = undefined;
      this.#outlet?.producer.close();
      this.#outlet = undefined;
      this.#switch();
    }
    this.#options.changed();
  }

  #followAge(): void {
    const age = this.#bridge?.recentAgeMs;
    if (age !== undefined && this.#audioDelay) this.#audioDelay.target = age;
  }

  /** Says whether anybody wants the upscaled picture: it is computed only then. */
  setWanted(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    clearTimeout(this.#linger);
    if (wanted) this.#switch();
    else this.#linger = setTimeout(() => this.#switch(), LINGER_MS);
  }

  /** Opens or closes the bridge as is wanted now; one after the other. */
  #switch(): void {
    this.#switching = this.#switching
      .then(async () => {
        const shall = this.#wanted && !this.#closed && this.#video !== undefined;
        if (shall && !this.#bridge) await this.#openBridge();
        if (!shall && this.#bridge) await this.#closeBridge();
      })
      .catch(() => undefined);
  }

  async #openBridge(): Promise<void> {
    const { router, settings, models, room } = this.#options;
    const [video, outlet, direct] = [this.#video, this.#outlet, await this.#direct];
    if (!video || !outlet || !direct) return;
    const ladder = await models.get();
    if (this.#closed || video.closed) return;
    const tap = await openTap(direct, video, router.rtpCapabilities);
    const [codec] = tap.rtpParameters.codecs;
    const input = INPUT_CODECS[codec?.mimeType.toLowerCase() ?? ''];
    if (!codec || !input || this.#closed) {
      tap.close();
      return;
    }
    const bridge = new Bridge({
      settings,
      ...ladder,
      codec: input,
      payloadType: codec.payloadType,
      outlet,
      room,
      requestKeyFrame: () => void tap.requestKeyFrame().catch(() => undefined),
    });
    tap.on('rtp', (packet) => bridge.push(packet));
    this.#tap = tap;
    this.#bridge = bridge;
    await tap.resume();
  }

  async #closeBridge(): Promise<void> {
    const bridge = this.#bridge;
    this.#bridge = undefined;
    this.#tap?.close();
    this.#tap = undefined;
    await bridge?.close();
  }

  /** Ends it, with its transport. Idempotent. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      clearInterval(this.#police);
      clearTimeout(this.#linger);
      clearInterval(this.#follow);
      this.#audioDelay?.close();
      this.transport.close();
      void this.#direct?.then((direct) => direct.close()).catch(() => undefined);
      this.#switch();
      this.#options.changed();
    }
    await this.#switching;
  }
}
