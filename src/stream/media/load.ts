import type { types } from 'mediasoup';
import { TinySRError } from '../../shared/errors.js';

/** The part of the mediasoup module that is used. */
export interface Mediasoup {
  readonly version: string;
  createWorker(settings: types.WorkerSettings): Promise<types.Worker>;
}

/** Imports mediasoup, which is an optional peer. @throws TinySRError `TSR_MEDIASOUP_MISSING` */
export async function loadMediasoup(): Promise<Mediasoup> {
  try {
    return await import('mediasoup');
  } catch (cause) {
    throw new TinySRError('TSR_MEDIASOUP_MISSING', 'the relay needs mediasoup, which is not installed', {
      hint: 'Install it beside tinysr-video: npm install mediasoup',
      cause,
    });
  }
}

/**
 * Starts a worker, without mediasoup's own handlers of SIGINT and SIGTERM, which close it at once: rooms have time to empty, and
 * when to end is for the program to say. A worker whose program has gone ends by itself.
 *
 * @throws TinySRError `TSR_MEDIASOUP_MISSING`
 */
export async function startWorker(mediasoup: Mediasoup): Promise<types.Worker> {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const before = new Set(signals.flatMap((signal) => process.listeners(signal)));
  const starting = mediasoup.createWorker({ logLevel: 'warn' });
  // They were added before the first await of createWorker: what is new here is mediasoup's.
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) if (!before.has(listener)) process.off(signal, listener);
  }
  try {
    return await starting;
  } catch (cause) {
    throw new TinySRError('TSR_MEDIASOUP_MISSING', 'the mediasoup worker does not start', {
      hint: 'Install it again (npm install mediasoup); in a checkout: npm run setup -- --for relay. See docs/relay.md.',
      cause,
    });
  }
}
