import type { types } from 'mediasoup-client';
import { Refused, type Welcome } from './signal.js';

/** How long media may take to get through, in milliseconds. */
const THROUGH_MS = 20_000;

/** What is said while media that got through does not, until it does again or the connection has ended. */
export const LOST = 'The connection was lost and is being restored.';

/** Why no media gets through, and what to look at: signalling goes over another port, and works without it. */
export function blockedPath({ transport: { iceCandidates } }: Pick<Welcome, 'transport'>): string {
  const [candidate] = iceCandidates;
  const where = candidate ? ` (UDP or TCP) of ${candidate.address ?? candidate.ip}` : '';
  return `no media gets through to the relay: port ${candidate?.port ?? '?'}${where} cannot be reached from here; a firewall may be in the way`;
}

/** The relay's close code for those whose media did not get through. */
const NO_MEDIA = '4014';

/** Why the connection has ended, once it has: in words that say what to do, where the relay cannot know more than that. */
export async function theEnd(ended: Promise<Refused>, welcome: Pick<Welcome, 'transport'>): Promise<Refused> {
  const reason = await ended;
  return reason.code === NO_MEDIA ? new Refused(reason.code, blockedPath(welcome)) : reason;
}

/** Resolves when media gets through. @throws Refused when it does not, or the connection has ended */
export async function getsThrough(
  transport: types.Transport,
  welcome: Pick<Welcome, 'transport'>,
  ended: Promise<Refused>,
): Promise<void> {
  let timer = 0;
  const connected = new Promise<void>((resolve, reject) => {
    timer = window.setTimeout(() => reject(new Refused('blocked', blockedPath(welcome))), THROUGH_MS);
    const look = () => transport.connectionState === 'connected' && resolve();
    transport.on('connectionstatechange', look);
    look();
  });
  const over = ended.then((reason) => {
    throw reason;
  });
  await Promise.race([connected, over]).finally(() => clearTimeout(timer));
}
