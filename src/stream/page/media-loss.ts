import type { types } from 'mediasoup-client';

/**
 * Whether media that got through has stopped to. Browser and relay notice it each by itself, either one first, and each
 * may be the only one: to a computer that slept its connection looks as it did, and the relay has given it up.
 */
export class MediaLoss {
  readonly #changed: (lost: boolean) => void;
  #transport: types.Transport | undefined;
  #restore: (() => void) | undefined;
  /** Whether it has ever got through. */
  #stood = false;
  #here = false;
  #there = false;
  #told = false;

  /** @param changed called when media is lost, and when it is back */
  constructor(changed: (lost: boolean) => void) {
    this.#changed = changed;
  }

  /** Begins to look at what the browser notices. @param restore called whenever there is something to be restored */
  follow(transport: types.Transport, restore: () => void): void {
    this.#transport = transport;
    this.#restore = restore;
    transport.on('connectionstatechange', (state) => {
      if (state === 'connected') {
        this.#stood = true;
        this.#here = false;
      } else if (state === 'disconnected' || state === 'failed') {
        this.#here = this.#stood;
        restore();
      }
      this.#tell();
    });
  }

  /** What the relay has noticed. */
  relaySays(lost: boolean): void {
    this.#there = lost;
    // What the browser has noticed, too, is being restored already.
    if (lost && this.#transport?.connectionState === 'connected') this.#restore?.();
    this.#tell();
  }

  #tell(): void {
    const lost = this.#here || this.#there;
    if (lost === this.#told) return;
    this.#told = lost;
    this.#changed(lost);
  }
}
