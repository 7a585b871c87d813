import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { types } from 'mediasoup';
import type { MediaAddress } from '../media/engine.js';
import { bindingRequest } from '../media/stun.js';

/** How often it is looked whether anything came, in milliseconds. */
const LOOK_MS = 5000;

/**
 * Lets media and reports of a client count as its consent to be sent to (RFC 7675).
 *
 * The worker ends ICE when checks cease, and whoever sends nothing but checks lives by them. But not all programs check:
 * libnice before 0.1.22 (GStreamer of Debian 12) does not, pion does not while it sends and receives. The worker neither
 * tells of checks nor takes other signs of life for them, so for a client from which other packets came since the last
 * look, it is sent a check from here, on a pair of addresses that is never nominated.
 *
 * @param media where the worker is reached from this machine
 * @param gone the client's own address is lost, and the worker sends to that of these checks
 * @returns ends it
 */
export function vouchForMedia(transport: types.WebRtcTransport, media: MediaAddress, gone: () => void): () => void {
  const socket = createSocket(isIPv6(media.ip) ? 'udp6' : 'udp4');
  // The worker may have died; what becomes of the client then is decided elsewhere.
  socket.on('error', () => undefined);
  socket.unref();
  let own: number | undefined;
  socket.connect(media.port, media.ip, () => {
    own = socket.address().port;
  });
  let [bytes, ufrag] = [0, ''];

  const look = async () => {
    const [stats] = await transport.getStats().catch(() => []);
    if (!stats || transport.closed) return;
    const { usernameFragment, password } = transport.iceParameters;
    // The first check with new credentials ends the old ones, which a client that restarts ICE still uses for a moment.
    const settled = usernameFragment === ufrag;
    const came = stats.bytesReceived > bytes;
    [bytes, ufrag] = [stats.bytesReceived, usernameFragment];
    const connected = stats.iceState === 'connected' || stats.iceState === 'completed';
    if (!came || !settled || !connected || own === undefined) return;
    const check = bindingRequest({ ufrag: usernameFragment, password, from: 'relay', nominate: false });
    socket.send(check, () => undefined);
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  timer.unref();

  // The worker falls back to any address that checked when the client's own, a TCP connection, is closed.
  transport.on('iceselectedtuplechange', ({ remoteIp, remotePort }) => {
    if (remoteIp === media.ip && remotePort === own) gone();
  });
  return () => {
    clearInterval(timer);
    own = undefined;
    socket.close();
  };
}
