import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

const HOST = '127.0.0.1';

type Address = Pick<RemoteInfo, 'address' | 'port'>;

function send(packet: Buffer, socket: Socket, { address, port }: Address): void {
  // An end that is gone is no error: packets to it are lost as on any network.
  socket.send(packet, port, address, () => undefined);
}

/** What the network does to packets, in both directions. */
export interface Faults {
  /** Share of packets that are lost, 0 to 1. */
  readonly loss: number;
  /** Each packet is late by a time of its own up to this, in milliseconds: packets overtake each other. */
  readonly jitterMs: number;
  /** Nothing passes. */
  readonly cut: boolean;
}

/** A network without faults. */
export const GOOD_NETWORK: Faults = { loss: 0, jitterMs: 0, cut: false };

/**
 * A bad network: a UDP port that passes packets on to another port and back. The relay announces this port to
 * browsers, so that all their media goes through it.
 */
export class UdpProxy implements AsyncDisposable {
  readonly #front: Socket;
  /** A socket for each client, so that the relay tells them apart. */
  readonly #backs = new Map<string, Socket>();
  readonly #late = new Set<NodeJS.Timeout>();
  /** The port that packets are passed on to. */
  target = 0;
  faults: Faults = GOOD_NETWORK;
  /** Packets passed on, and packets lost, since the start. */
  readonly counts = { passed: 0, lost: 0 };

  private constructor(front: Socket) {
    this.#front = front;
    front.on('message', (packet, client) =>
      this.#through(() => send(packet, this.#back(client), { address: HOST, port: this.target })),
    );
  }

  /** Opens a port; {@link UdpProxy.target} is to be set before the first packet. */
  static async open(): Promise<UdpProxy> {
    const front = createSocket('udp4');
    front.bind(0, HOST);
    await once(front, 'listening');
    return new UdpProxy(front);
  }

  /** The port for clients. */
  get port(): number {
    return this.#front.address().port;
  }

  /** Loses a packet, or passes it on now or later. */
  #through(pass: () => void): void {
    const { cut, loss, jitterMs } = this.faults;
    if (cut || Math.random() < loss) {
      this.counts.lost += 1;
      return;
    }
    this.counts.passed += 1;
    if (jitterMs === 0) {
      pass();
      return;
    }
    const timer = setTimeout(() => {
      this.#late.delete(timer);
      pass();
    }, Math.random() * jitterMs);
    this.#late.add(timer);
  }

  #back(client: RemoteInfo): Socket {
    const key = `${client.address}:${client.port}`;
    const known = this.#backs.get(key);
    if (known) return known;
    const back = createSocket('udp4');
    back.on('error', () => undefined);
    back.on('message', (packet) => this.#through(() => send(packet, this.#front, client)));
    this.#backs.set(key, back);
    return back;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#late) clearTimeout(timer);
    const sockets = [this.#front, ...this.#backs.values()];
    await Promise.all(
      sockets.map((socket) => {
        const closed = once(socket, 'close');
        socket.close();
        return closed;
      }),
    );
  }
}
