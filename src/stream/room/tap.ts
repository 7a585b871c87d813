import type { types } from 'mediasoup';
import { keepBestLayer } from './best-layer.js';

/** Feedback by which a sender learns what its receiver's network can take. */
const ESTIMATES: ReadonlySet<string> = new Set(['transport-cc', 'goog-remb']);

/**
 * Capabilities of a receiver in this process. It takes no feedback for bandwidth estimation: nobody here gives any, and
 * the worker would go on for ever with the 600 kbit/s that it assumes at the start, and leave out each layer that needs
 * more.
 */
export function withoutEstimates(capabilities: types.RtpCapabilities): types.RtpCapabilities {
  const codecs = (capabilities.codecs ?? []).map((codec) => ({
    ...codec,
    rtcpFeedback: (codec.rtcpFeedback ?? []).filter(({ type }) => !ESTIMATES.has(type)),
  }));
  return { ...capabilities, codecs };
}

/** Opens the bridge's view of a publisher's picture, paused; of a simulcast it shows the largest layer that flows. */
export async function openTap(
  transport: types.DirectTransport,
  producer: types.Producer,
  capabilities: types.RtpCapabilities,
): Promise<types.Consumer> {
  const tap = await transport.consume({
    producerId: producer.id,
    rtpCapabilities: withoutEstimates(capabilities),
    paused: true,
  });
  keepBestLayer(tap);
  return tap;
}
