import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { network } from './rate-limit.js';

/** Connections of one address that ask over HTTP, at once; pages that have become WebSockets do not count. */
const MOST_OF_ADDRESS = 256;

/** The same for a TCP connection and for the TLS in it. */
function farEnd({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''}`;
}

/**
 * The TCP connections of a server, those in the middle of a TLS handshake included, which Node's own list lacks: an idle
 * one would hold up its close for two minutes.
 */
export class Connections {
  readonly #sockets = new Set<Socket>();
  /** Connections that are no page's, and the network each comes from. */
  readonly #asking = new Map<string, string>();

  /** @param refused is told of each that is one too many of its address */
  constructor(server: Server, refused: () => void) {
    server.on('connection', (socket: Socket) => {
      const [end, from] = [farEnd(socket), network(socket.remoteAddress ?? '')];
      if ([...this.#asking.values()].filter((other) => other === from).length >= MOST_OF_ADDRESS) {
        refused();
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      this.#asking.set(end, from);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        this.#asking.delete(end);
      });
    });
  }

  /** A connection has become a page's. */
  upgraded(socket: Socket): void {
    this.#asking.delete(farEnd(socket));
  }

  /** Ends all, whatever state they are in. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
