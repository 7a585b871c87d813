import type { types } from 'mediasoup';

/** mediasoup takes a layer that came (back) only when it has flowed for two seconds, in milliseconds. */
const PROVEN_MS = 2500;

/**
 * Keeps a consumer of a simulcast on the largest layer there is. mediasoup looks for a better one when the bandwidth
 * changes or a layer comes, where it is still too young to be taken; a consumer in this process has no bandwidth that
 * changes, so it is told to look again.
 */
export function keepBestLayer(consumer: types.Consumer, layers: number): void {
  if (consumer.type !== 'simulcast') return;
  let timer: NodeJS.Timeout | undefined;
  consumer.on('score', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!consumer.closed) void consumer.setPreferredLayers({ spatialLayer: layers - 1 }).catch(() => undefined);
    }, PROVEN_MS);
    timer.unref();
  });
  consumer.observer.once('close', () => clearTimeout(timer));
}
