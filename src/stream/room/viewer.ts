import type { types } from 'mediasoup';
import { log } from '../../shared/log.js';
import type { Source } from './publication.js';
import type { Room, Watcher } from './room.js';

/** A picture in a codec that the far side does not decode. */
export interface Untakeable {
  readonly source: Source;
  /** As people call it: H264. */
  readonly codec: string;
}

/** Whom a viewer tells about its tracks. */
export interface ViewerEvents {
  /** A track comes; it is paused until {@link Viewer.resume}. */
  added(consumer: types.Consumer, source: Source): void;
  removed(consumerId: string): void;
  /** The pictures that are wanted and cannot be taken; called whenever there are others. */
  untakeable(pictures: readonly Untakeable[]): void;
}

interface Track {
  readonly consumer: types.Consumer;
  readonly source: Source;
}

/** One who watches: keeps the tracks on its transport in step with what the room has and what is wanted. */
export class Viewer implements Watcher {
  readonly #room: Room;
  readonly #transport: types.WebRtcTransport;
  readonly #capabilities: types.RtpCapabilities;
  readonly #events: ViewerEvents;
  readonly #tracks = new Map<string, Track>();
  readonly #onTracks = () => this.#sync();
  #sources: readonly Source[];
  #untakeable: readonly Untakeable[] = [];
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  /** Joins the room. @throws RelayRefusal `room-full` */
  constructor(
    room: Room,
    transport: types.WebRtcTransport,
    capabilities: types.RtpCapabilities,
    sources: readonly Source[],
    events: ViewerEvents,
  ) {
    this.#room = room;
    this.#transport = transport;
    this.#capabilities = capabilities;
    this.#sources = sources;
    this.#events = events;
    room.join(this);
    room.on('tracks', this.#onTracks);
    transport.observer.once('close', () => this.close());
    this.#sync();
  }

  get wantsUpscaled(): boolean {
    return this.#sources.includes('upscaled');
  }

  /** Chooses which pictures to get. */
  select(sources: readonly Source[]): void {
    this.#sources = sources;
    this.#room.demandChanged();
    this.#sync();
  }

  /** Lets a track flow; the far side is ready for it. */
  async resume(consumerId: string): Promise<void> {
    await this.#tracks.get(consumerId)?.consumer.resume();
  }

  /** What is to be sent: producer and source; the sound goes along with the upscaled picture if that is shown. */
  #wanted(): Map<types.Producer, Source> {
    const wanted = new Map<types.Producer, Source>();
    const publication = this.#room.publication;
    if (!publication) return wanted;
    for (const source of this.#sources) {
      const { video } = publication.tracks(source);
      if (video && !video.closed) wanted.set(video, source);
    }
    const heard: Source = this.wantsUpscaled ? 'upscaled' : 'original';
    const { audio } = publication.tracks(heard);
    if (audio && !audio.closed && this.#sources.length > 0) wanted.set(audio, heard);
    return wanted;
  }

  #sync(): void {
    this.#work = this.#work
      .then(() => this.#apply())
      .catch((error) => {
        log.warn({ room: this.#room.id, error: String(error) }, 'tracks of a viewer');
      });
  }

  async #apply(): Promise<void> {
    const wanted = this.#closed ? new Map<types.Producer, Source>() : this.#wanted();
    const ids = new Set([...wanted.keys()].map(({ id }) => id));
    for (const { consumer } of this.#tracks.values()) if (!ids.has(consumer.producerId)) this.#remove(consumer);
    const present = new Set([...this.#tracks.values()].map(({ consumer }) => consumer.producerId));
    this.#tellUntakeable(wanted);
    for (const [producer, source] of wanted) {
      if (present.has(producer.id) || producer.closed || this.#closed) continue;
      const options = { producerId: producer.id, rtpCapabilities: this.#capabilities };
      if (!this.#room.router.canConsume(options)) continue;
      const consumer = await this.#transport.consume({ ...options, paused: true });
      if (this.#closed) {
        consumer.close();
        return;
      }
      this.#tracks.set(consumer.id, { consumer, source });
      consumer.once('producerclose', () => this.#remove(consumer));
      this.#events.added(consumer, source);
    }
  }

  /** Sound is not looked at: every browser takes Opus (RFC 7874). */
  #tellUntakeable(wanted: ReadonlyMap<types.Producer, Source>): void {
    const pictures = [...wanted].flatMap(([{ id, kind, rtpParameters }, source]): Untakeable[] =>
      kind === 'audio' || this.#room.router.canConsume({ producerId: id, rtpCapabilities: this.#capabilities })
        ? []
        : [{ source, codec: rtpParameters.codecs[0]?.mimeType.split('/')[1] ?? 'unknown' }],
    );
    const text = (list: readonly Untakeable[]) => list.map(({ source, codec }) => `${source} ${codec}`).join();
    if (this.#closed || text(pictures) === text(this.#untakeable)) return;
    this.#untakeable = pictures;
    this.#events.untakeable(pictures);
  }

  #remove(consumer: types.Consumer): void {
    if (!this.#tracks.delete(consumer.id)) return;
    consumer.close();
    this.#events.removed(consumer.id);
  }

  /** Leaves the room; the transport stays with its owner. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#room.off('tracks', this.#onTracks);
    this.#room.leave(this);
    for (const { consumer } of this.#tracks.values()) consumer.close();
    this.#tracks.clear();
  }
}
