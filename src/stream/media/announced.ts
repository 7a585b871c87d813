import { lookup } from 'node:dns/promises';
import { isIP, isIPv4 } from 'node:net';
import { log } from '../../shared/log.js';

/** How often a name is looked up again, in milliseconds: the address behind it may change. */
const LOOK_MS = 300_000;

/**
 * The addresses that clients are told for media. Of a name these are what it stands for: not every browser looks names up
 * that it finds in ICE candidates.
 */
export class AnnouncedAddresses {
  readonly #name: string;
  readonly #listening: string;
  readonly #timer: NodeJS.Timeout | undefined;
  #all: readonly string[];

  private constructor(name: string, listening: string) {
    this.#name = name;
    this.#listening = listening;
    this.#all = [name];
    if (isIP(name) === 0) this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  /** @param listening address that is listened on: where that is IPv4, nobody comes by IPv6 */
  static async find(name: string, listening: string): Promise<AnnouncedAddresses> {
    const found = new AnnouncedAddresses(name, listening);
    if (isIP(name) === 0) await found.#look();
    return found;
  }

  /** One at least: the name itself as long as it cannot be looked up. */
  get all(): readonly string[] {
    return this.#all;
  }

  /** Looks no more. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      const found = (await lookup(this.#name, { all: true })).map(({ address }) => address);
      const reachable = found.filter((address) => isIPv4(address) || !isIPv4(this.#listening));
      if (reachable.length === 0)
        throw new Error(`only IPv6 addresses, but media is listened for on ${this.#listening}`);
      this.#all = reachable;
    } catch (error) {
      log.warn({ name: this.#name, error: String(error) }, 'the announced address cannot be looked up');
    }
  }
}
