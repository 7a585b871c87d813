import type { types } from 'mediasoup';

/** How often it is looked whether anything came, in milliseconds. */
const LOOK_MS = 5000;
/** How often in a row nothing may have come. */
const SILENT_LOOKS = 3;

/**
 * Calls `silent` when nothing at all comes from a client any more. Programs that are no browsers (libnice, and so
 * GStreamer 1.22) do not ask for consent to send, which would tell; but whoever sends or receives media sends reports.
 */
export function watchSilence(transport: types.WebRtcTransport, silent: () => void): NodeJS.Timeout {
  let bytes = -1;
  let looks = 0;
  const look = async () => {
    const [stats] = await transport.getStats().catch(() => []);
    if (!stats) return;
    looks = stats.bytesReceived === bytes ? looks + 1 : 0;
    bytes = stats.bytesReceived;
    if (looks >= SILENT_LOOKS) silent();
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  timer.unref();
  return timer;
}
