import type { types } from 'mediasoup';

/** How often it is looked for a larger layer, in milliseconds: a key frame that was asked for has come by then. */
const LOOK_MS = 2000;

/**
 * Keeps a consumer of a simulcast on the largest layer that flows. The worker chooses a layer when one begins, stops or
 * comes back, and at its first sender report; but a layer can be switched to only from the packet after that report on,
 * which nothing makes it look at. A wish for layers that differs from the one before does, and asks for a key frame too,
 * should the one for the last choice have been lost.
 */
export function keepBestLayer(consumer: types.Consumer): void {
  if (consumer.type !== 'simulcast') return;
  const timer = setInterval(() => void climb(consumer).catch(() => undefined), LOOK_MS);
  timer.unref();
  consumer.observer.once('close', () => clearInterval(timer));
}

async function climb(consumer: types.Consumer): Promise<void> {
  const { producerScores } = consumer.score;
  const now = consumer.currentLayers?.spatialLayer ?? -1;
  // A layer of which nothing comes has a score of 0.
  if (consumer.paused || producerScores.findLastIndex((score) => score > 0) <= now) return;
  await consumer.setPreferredLayers({ spatialLayer: Math.max(0, now) });
  await consumer.setPreferredLayers({ spatialLayer: producerScores.length - 1 });
}
