import type { types } from 'mediasoup';
import { TinySRError } from '../../shared/errors.js';

/** The part of the mediasoup module that is used. */
export interface Mediasoup {
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

/** What is said when there is mediasoup but its worker cannot run. */
export function workerMissing(cause: unknown): TinySRError {
  return new TinySRError('TSR_MEDIASOUP_MISSING', 'the mediasoup worker does not start', {
    hint: 'Install it again (npm install mediasoup); in a checkout: npm run setup -- --for relay. See docs/relay.md.',
    cause,
  });
}
