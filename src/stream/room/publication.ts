import { randomBytes } from 'node:crypto';
import type { types } from 'mediasoup';
import { log } from '../../shared/log.js';
import { AudioDelay } from '../bridge/audio-delay.js';
import { Bridge, type BridgeStats } from '../bridge/bridge.js';
import { VideoOutlet } from '../bridge/outlet.js';
import type { ModelLadder } from '../model-ladder.js';
import type { RelaySettings } from '../options.js';
import { RelayRefusal } from '../relay-error.js';
import { inputCodecOf } from '../rtp/assembler.js';
import { PublishedPicture } from './picture.js';
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
  #picture: PublishedPicture | undefined;
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
  #replaced = false;
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

  /** Whether another publication took its place. */
  get replaced(): boolean {
    return this.#replaced;
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
      ? { video: this.#picture?.producer, audio: this.#audio }
      : { video: this.#outlet?.producer, audio: this.#audioDelay?.producer ?? this.#audio };
  }

  /** Resolves when the tracks are there to stay, as far as is known now. */
  async ready(): Promise<void> {
    await this.#picture?.ready;
  }

  /**
   * Takes a track of the publisher.
   *
   * @param sorted whether the encodings are known to go from the smallest to the largest
   * @returns the track's id
   * @throws RelayRefusal when there is one of the kind already
   */
  async produce(kind: types.MediaKind, rtpParameters: types.RtpParameters, sorted = false): Promise<string> {
    if (kind === 'video' ? this.#picture : this.#audio)
      throw new RelayRefusal('conflict', `there is a ${kind} track already`);
    this.#direct ??= this.#options.router.createDirectTransport();
    const direct = await this.#direct;
    const id =
      kind === 'video'
        ? await this.#takePicture(direct, rtpParameters, sorted)
        : await this.#takeSound(direct, rtpParameters);
    if (this.#wanted) this.#switch();
    this.#options.changed();
    return id;
  }

  async #takePicture(
    direct: types.DirectTransport,
    rtpParameters: types.RtpParameters,
    sorted: boolean,
  ): Promise<string> {
    const { transport, router, settings } = this.#options;
    const capabilities = router.rtpCapabilities;
    const changed = () => this.#pictureChanged();
    const picture = await PublishedPicture.open({ transport, direct, capabilities, rtpParameters, sorted, changed });
    this.#picture = picture;
    try {
      const outlet = await VideoOutlet.open(router, direct, settings.codec, this.#cname);
      if (this.#picture === picture && !this.#closed) this.#outlet = outlet;
      else {
        outlet.producer.close();
        throw new RelayRefusal('conflict', 'the track has ended');
      }
    } catch (error) {
      picture.close();
      throw error;
    }
    return picture.id;
  }

  async #takeSound(direct: types.DirectTransport, rtpParameters: types.RtpParameters): Promise<string> {
    const { transport, router } = this.#options;
    const producer = await transport.produce({ kind: 'audio', rtpParameters });
    this.#audio = producer;
    producer.observer.once('close', () => this.#soundEnded());
    try {
      const delay = await AudioDelay.open(router, direct, producer, this.#cname);
      if (this.#audio === producer && !this.#closed) this.#audioDelay = delay;
      else {
        delay.close();
        throw new RelayRefusal('conflict', 'the track has ended');
      }
    } catch (error) {
      producer.close();
      throw error;
    }
    this.#follow ??= setInterval(() => this.#followAge(), FOLLOW_MS);
    this.#follow.unref();
    return producer.id;
  }

  /** Ends a track, by its id. */
  closeTrack(id: string): void {
    for (const track of [this.#picture, this.#audio]) if (track?.id === id) track.close();
  }

  #soundEnded(): void {
    if (this.#closed) return;
    this.#audio = undefined;
    this.#audioDelay?.close();
    this.#audioDelay = undefined;
    this.#options.changed();
  }

  #pictureChanged(): void {
    if (this.#closed) return;
    if (this.#picture?.closed) {
      this.#picture = undefined;
      this.#outlet?.producer.close();
      this.#outlet = undefined;
    }
    this.#switch();
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

  /** Opens or closes the bridge as is wanted now, with the picture there is now; one after the other. */
  #switch(): void {
    this.#switching = this.#switching
      .then(async () => {
        const video = this.#wanted && !this.#closed ? this.#picture?.producer : undefined;
        if (this.#bridge && this.#tap?.producerId !== video?.id) await this.#closeBridge();
        if (video && !this.#bridge) await this.#openBridge(video);
      })
      .catch((error: unknown) => {
        // A publisher that leaves takes the transports along that a bridge was being opened on.
        if (!this.#closed)
          log.error({ room: this.#options.room, error: String(error) }, 'the bridge cannot be switched');
      });
  }

  async #openBridge(video: types.Producer): Promise<void> {
    const { router, settings, models, room } = this.#options;
    const [outlet, direct] = [this.#outlet, await this.#direct];
    if (!outlet || !direct) return;
    const ladder = await models.get();
    if (this.#closed || video.closed) return;
    const tap = await openTap(direct, video, router.rtpCapabilities);
    const [codec] = tap.rtpParameters.codecs;
    const input = inputCodecOf(codec?.mimeType);
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

  /** Ends it because another one takes its place. */
  async replace(): Promise<void> {
    this.#replaced = true;
    await this.close();
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
