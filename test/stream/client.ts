import { WebSocket } from 'ws';
import type { Relay } from '#src/stream/relay.js';

/** The secret of the tests' relays. */
export const TOKEN = 'token-of-the-tests';

/** An answer of the relay. */
export interface Reply {
  readonly id?: number;
  readonly ok?: boolean;
  readonly data?: Record<string, unknown>;
  readonly error?: { readonly code: string };
}

/** What the relay says unasked. */
export interface Told {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** A program that speaks the page's protocol. */
export class Client {
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  readonly told: Told[] = [];
  /** Why the relay ended the connection, when it has. */
  farewell = '';
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #nextId = 1;

  constructor(relay: Pick<Relay, 'url'>, origin?: string) {
    const options = origin === undefined ? {} : { origin };
    this.socket = new WebSocket(`${relay.url.replace('http', 'ws')}/signal`, options);
    this.closed = new Promise((resolve) =>
      this.socket.once('close', (code, reason) => {
        this.farewell = String(reason);
        resolve(code);
      }),
    );
    this.socket.on('error', () => undefined);
    this.socket.on('message', (text) => {
      const message = JSON.parse(String(text)) as Reply | Told;
      if ('event' in message) this.told.push(message);
      else if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
    });
  }

  async ask(method: string, data: object = {}): Promise<Reply> {
    if (this.socket.readyState === WebSocket.CONNECTING) {
      await new Promise((resolve) => this.socket.once('open', resolve));
    }
    const id = this.#nextId++;
    const reply = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    this.socket.send(JSON.stringify({ id, method, data }));
    return reply;
  }

  hello(role: 'publish' | 'watch', more: object = {}): Promise<Reply> {
    return this.ask('hello', { version: 1, role, token: TOKEN, ...more });
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}
