import { randomBytes } from 'node:crypto';
import type { MediaEngine } from '../media/engine.js';
import type { ModelLadder } from '../model-ladder.js';
import type { RelaySettings } from '../options.js';
import { RelayRefusal } from '../relay-error.js';
import { Room } from './room.js';

/** What a room may be called. */
export const ROOM_ID = /^[\w-]{1,64}$/;

/** A name that cannot be guessed. */
export function newRoomId(): string {
  return randomBytes(12).toString('base64url');
}

/** All rooms of the relay. */
export class Rooms {
  readonly #settings: RelaySettings;
  readonly #engine: MediaEngine;
  readonly #models: ModelLadder;
  readonly #rooms = new Map<string, Room>();
  #opened = 0;
  readonly #opening = new Map<string, Promise<Room>>();

  constructor(settings: RelaySettings, engine: MediaEngine, models: ModelLadder) {
    this.#settings = settings;
    this.#engine = engine;
    this.#models = models;
  }

  /** The rooms that are open. */
  get all(): readonly Room[] {
    return [...this.#rooms.values()];
  }

  /** A room that is open. */
  find(id: string): Room | undefined {
    return this.#rooms.get(id);
  }

  /**
   * The room of this name, opened when it is not. Where no more can be opened an empty one makes way; for a publisher also one
   * that people only wait in, or names that nobody publishes under would keep publishers out.
   *
   * @throws RelayRefusal
   */
  async open(id: string, role: 'publish' | 'watch'): Promise<Room> {
    if (!ROOM_ID.test(id)) throw new RelayRefusal('bad-request', 'a room is called by 1 to 64 letters, digits, _ or -');
    const known = this.#rooms.get(id) ?? this.#opening.get(id);
    if (known) return known;
    if (this.#full) {
      const idle = this.all.filter((room) => !room.publication);
      const empty = idle.find((room) => room.viewers === 0);
      const waiting = role === 'publish' ? idle.find((room) => !room.expectsPublisher) : undefined;
      await (empty ?? waiting)?.close('its place is needed');
    }
    if (this.#full) {
      throw new RelayRefusal('too-many-rooms', 'this relay has no room left');
    }
    if (!this.#engine.alive) throw new RelayRefusal('restarting', 'the media worker is being restarted');
    const opening = this.#create(id);
    this.#opening.set(id, opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(id);
    }
  }

  get #full(): boolean {
    return this.#rooms.size + this.#opening.size >= this.#settings.maxRooms;
  }

  async #create(id: string): Promise<Room> {
    const router = await this.#engine.createRouter();
    const room = new Room(id, this.#opened++, router, this.#settings, this.#engine, this.#models);
    this.#rooms.set(id, room);
    room.once('closed', () => this.#rooms.delete(id));
    return room;
  }

  /** Ends all rooms. */
  async close(reason: string): Promise<void> {
    await Promise.all(this.all.map((room) => room.close(reason)));
  }
}
