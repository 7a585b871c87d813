import type { types } from 'mediasoup';
import type { MediaEngine } from '../media/engine.js';
import { RelayRefusal } from '../relay-error.js';

/** Profiles a room keeps at the same time. Browsers, their versions and the two sources make a dozen; each holds two ports. */
const MOST = 64;

interface Profile {
  readonly router: Promise<types.Router>;
  readonly pipes: Map<string, Promise<string>>;
  users: number;
}

/** A router with a client's payload types; give it back with {@link release}. */
export interface ProfileLease {
  readonly router: types.Router;
  /** Makes a producer of the room available on the router. @returns its id there */
  pipe(producer: types.Producer): Promise<string>;
  release(): void;
}

/**
 * Routers beside the room's own, one for each set of payload types that clients ask for: consumers of mediasoup keep
 * their router's numbers, and an answer must keep the offer's.
 */
export class Profiles {
  readonly #engine: MediaEngine;
  readonly #source: types.Router;
  readonly #profiles = new Map<string, Profile>();

  constructor(engine: MediaEngine, source: types.Router) {
    this.#engine = engine;
    this.#source = source;
  }

  /** How many there are. */
  get size(): number {
    return this.#profiles.size;
  }

  /** A router for these codecs, shared by all who ask for the same. @throws RelayRefusal `room-full` */
  async lease(codecs: readonly types.RouterRtpCodecCapability[]): Promise<ProfileLease> {
    const key = JSON.stringify(codecs);
    let profile = this.#profiles.get(key);
    if (!profile) {
      if (this.#profiles.size >= MOST) throw new RelayRefusal('room-full', 'too many different kinds of viewers');
      profile = { router: this.#engine.createRouter(codecs), pipes: new Map(), users: 0 };
      this.#profiles.set(key, profile);
    }
    const leased = profile;
    leased.users += 1;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      leased.users -= 1;
      if (leased.users > 0) return;
      if (this.#profiles.get(key) === leased) this.#profiles.delete(key);
      void leased.router.then((router) => router.close()).catch(() => undefined);
    };
    try {
      const router = await leased.router;
      return { router, release, pipe: (producer) => this.#pipe(leased, router, producer) };
    } catch (error) {
      release();
      throw error;
    }
  }

  #pipe(profile: Profile, router: types.Router, producer: types.Producer): Promise<string> {
    let pipe = profile.pipes.get(producer.id);
    if (!pipe) {
      pipe = this.#copy(producer, router);
      profile.pipes.set(producer.id, pipe);
      producer.observer.once('close', () => profile.pipes.delete(producer.id));
      pipe.catch(() => profile.pipes.delete(producer.id));
    }
    return pipe;
  }

  async #copy(producer: types.Producer, router: types.Router): Promise<string> {
    // Both routers live in one worker, where an id exists once.
    const { pipeProducer } = await this.#source.pipeToRouter({ producerId: producer.id, router, keepId: false });
    if (!pipeProducer) throw new RelayRefusal('internal', 'the track could not be passed on');
    return pipeProducer.id;
  }
}
