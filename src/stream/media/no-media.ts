import type { types } from 'mediasoup';

/** How long a client may be without a media connection, in milliseconds: at the beginning, and when it has lost one. */
const CONNECT_MS = 30_000;

/** What is said to whoever was without for too long. */
export const NO_MEDIA = `no media connection came about in ${CONNECT_MS / 1000} s`;

/**
 * Ends a client whose media connection does not come about, or does not come back. Signalling goes another way and may
 * last for ever, and with it whatever the client holds: the name of a room, a viewer's place, the upscaling of a picture.
 *
 * @param late called once, when time is up
 * @returns ends it
 */
export function requireMedia(transport: types.WebRtcTransport, late: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const look = () => {
    if (connected(transport)) return stop();
    timer ??= setTimeout(() => {
      if (!transport.closed) late();
    }, CONNECT_MS).unref();
  };
  transport.on('icestatechange', look);
  transport.on('dtlsstatechange', look);
  transport.observer.once('close', stop);
  look();
  return () => {
    stop();
    transport.off('icestatechange', look);
    transport.off('dtlsstatechange', look);
  };
}

function connected({ iceState, dtlsState }: types.WebRtcTransport): boolean {
  return (iceState === 'connected' || iceState === 'completed') && dtlsState === 'connected';
}
