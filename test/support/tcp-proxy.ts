import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';

/** A network that may lose TCP connections without a word, as one does whose router was started again. */
export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #forgotten = new WeakSet<Socket>();
  /** The port that connections lead to; undefined: to nobody, though they come about. */
  target: number | undefined;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (front) => {
      this.#keep(front);
      if (this.target === undefined) return;
      const back = connect(this.target, HOST);
      this.#keep(back);
      front.pipe(back).pipe(front);
      front.once('close', () => this.#forgotten.has(back) || back.destroy());
      back.once('close', () => this.#forgotten.has(front) || front.destroy());
    });
  }

  /** Opens a port; {@link TcpProxy.target} is to be set before the first connection. */
  static async open(): Promise<TcpProxy> {
    const server = createServer();
    server.listen(0, HOST);
    await once(server, 'listening');
    return new TcpProxy(server);
  }

  /** The port for clients. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #keep(socket: Socket): void {
    socket.on('error', () => undefined);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** From now on nothing goes over the connections that there are, not even their end: both sides take them for open. */
  forget(): void {
    for (const socket of this.#sockets) {
      this.#forgotten.add(socket);
      socket.unpipe();
      socket.pause();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
