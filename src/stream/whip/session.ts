import { randomBytes } from 'node:crypto';
import type { types } from 'mediasoup';

/** One WHIP or WHEP session: a transport behind an address that nobody can guess. */
export class HttpSession {
  readonly id = randomBytes(16).toString('base64url');
  readonly kind: 'whip' | 'whep';
  readonly transport: types.WebRtcTransport;
  readonly #close: () => void;
  #generation = 1;
  #remoteUfrag: string;
  #closed = false;

  constructor(kind: 'whip' | 'whep', transport: types.WebRtcTransport, remoteUfrag: string, close: () => void) {
    this.kind = kind;
    this.transport = transport;
    this.#remoteUfrag = remoteUfrag;
    this.#close = close;
  }

  /** Path of the session. */
  get path(): string {
    return `/${this.kind}/session/${this.id}`;
  }

  /** Entity tag of the ICE session. */
  get etag(): string {
    return `"${this.id.slice(0, 6)}-${this.#generation}"`;
  }

  get remoteUfrag(): string {
    return this.#remoteUfrag;
  }

  /** Begins ICE anew. */
  async restartIce(remoteUfrag: string): Promise<types.IceParameters> {
    const parameters = await this.transport.restartIce();
    this.#remoteUfrag = remoteUfrag;
    this.#generation += 1;
    return parameters;
  }

  /** Ends it. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#close();
  }
}
