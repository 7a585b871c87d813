import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import { log } from '../../shared/log.js';
import type { ClientKind, MediaEngine } from '../media/engine.js';
import type { ModelLadder } from '../model-ladder.js';
import type { RelaySettings } from '../options.js';
import { RelayRefusal } from '../relay-error.js';
import { sameSecret } from '../token.js';
import { Profiles } from './profiles.js';
import { Publication } from './publication.js';

/** How long a room is kept for its publisher to come back, in milliseconds. */
const RETURN_MS = 30_000;

/** Somebody who watches. */
export interface Watcher {
  /** Whether the upscaled picture is wanted. */
  readonly wantsUpscaled: boolean;
}

/** One publisher, and all who watch it. */
export class Room extends EventEmitter<{ tracks: []; closed: [reason: string] }> {
  readonly id: string;
  /** How many rooms were opened before it. */
  readonly number: number;
  readonly router: types.Router;
  /** Routers for clients with payload types of their own. */
  readonly profiles: Profiles;
  readonly #settings: RelaySettings;
  readonly #engine: MediaEngine;
  readonly #models: ModelLadder;
  readonly #watchers = new Set<Watcher>();
  #publication: Publication | undefined;
  #key: string | undefined;
  #emptyTimer: NodeJS.Timeout | undefined;
  #keyTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    id: string,
    number: number,
    router: types.Router,
    settings: RelaySettings,
    engine: MediaEngine,
    models: ModelLadder,
  ) {
    super();
    this.setMaxListeners(0);
    this.id = id;
    this.number = number;
    this.router = router;
    this.#settings = settings;
    this.#engine = engine;
    this.#models = models;
    this.profiles = new Profiles(engine, router);
    this.#watchEmptiness();
  }

  /** What is published now. */
  get publication(): Publication | undefined {
    return this.#publication;
  }

  /** How many watch. */
  get viewers(): number {
    return this.#watchers.size;
  }

  /** Whether a publisher may come back with the room's key. */
  get expectsPublisher(): boolean {
    return this.#key !== undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Becomes the publisher. Whoever holds the room's key may take the place of a publication of his own.
   *
   * @throws RelayRefusal `room-busy`
   */
  async publish(key: string | undefined, client: ClientKind): Promise<Publication> {
    const before = this.#publication;
    this.#requirePlace(key, before);
    const transport = await this.#engine.createWebRtcTransport(this.router, client);
    try {
      // Somebody may have been faster meanwhile.
      this.#requirePlace(key, before);
    } catch (error) {
      transport.close();
      throw error;
    }
    this.#key = key;
    clearTimeout(this.#keyTimer);
    const publication: Publication = new Publication({
      settings: this.#settings,
      models: this.#models,
      router: this.router,
      transport,
      room: this.id,
      changed: () => this.#changed(publication),
    });
    this.#publication = publication;
    this.#watchEmptiness();
    void before?.replace();
    this.#demand();
    log.info({ room: this.id }, 'publisher came');
    return publication;
  }

  /** @throws RelayRefusal `room-busy` unless nobody publishes, or `before` does and the key is the room's */
  #requirePlace(key: string | undefined, before: Publication | undefined): void {
    const mine = this.#key !== undefined && key !== undefined && sameSecret(key, this.#key);
    const replaced = this.#publication !== undefined && this.#publication !== before;
    const free = this.#publication === undefined && this.#key === undefined;
    if (this.#closed || replaced || !(mine || free)) {
      throw new RelayRefusal('room-busy', 'somebody else publishes in this room');
    }
  }

  #changed(publication: Publication): void {
    if (publication.closed && this.#publication === publication) {
      this.#publication = undefined;
      log.info({ room: this.id }, 'publisher left');
      this.#forgetKeyLater();
    }
    if (this.#closed) return;
    this.#watchEmptiness();
    this.emit('tracks');
  }

  /** Counts somebody who watches. @throws RelayRefusal `room-full` */
  join(watcher: Watcher): void {
    if (this.#watchers.size >= this.#settings.maxViewers) throw new RelayRefusal('room-full', 'this room is full');
    this.#watchers.add(watcher);
    this.#watchEmptiness();
    this.#demand();
  }

  /** Counts somebody no more. */
  leave(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher)) return;
    this.#demand();
    this.#watchEmptiness();
  }

  /** To be called when a watcher wants something else. */
  demandChanged(): void {
    this.#demand();
  }

  #demand(): void {
    this.#publication?.setWanted([...this.#watchers].some(({ wantsUpscaled }) => wantsUpscaled));
  }

  /** A publisher that does not come back makes way for another one, whoever watches and comes and goes meanwhile. */
  #forgetKeyLater(): void {
    clearTimeout(this.#keyTimer);
    this.#keyTimer = setTimeout(() => {
      this.#key = undefined;
    }, RETURN_MS);
    this.#keyTimer.unref();
  }

  /** A room without anybody is closed after a while. */
  #watchEmptiness(): void {
    clearTimeout(this.#emptyTimer);
    if (this.#publication || this.#closed) return;
    this.#emptyTimer = setTimeout(() => {
      if (this.#watchers.size === 0) void this.close('nobody is here');
    }, RETURN_MS);
    this.#emptyTimer.unref();
  }

  /** Ends it for all. Idempotent. */
  async close(reason: string): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#emptyTimer);
    clearTimeout(this.#keyTimer);
    this.emit('closed', reason);
    await this.#publication?.close();
    this.router.close();
  }
}
