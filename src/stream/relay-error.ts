/** Why a request to the relay is refused: code for programs, HTTP status, and what is said. */
const REFUSALS = {
  'bad-request': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'room-busy': 409,
  conflict: 409,
  'precondition-failed': 412,
  'too-large': 413,
  'unsupported-media': 415,
  'precondition-required': 428,
  'not-acceptable': 406,
  'too-many-requests': 429,
  'room-full': 503,
  'too-many-rooms': 503,
  restarting: 503,
  internal: 500,
} as const;

/** Code of a refusal. */
export type RefusalCode = keyof typeof REFUSALS;

/** A request that is refused; the message may be shown to whoever asked. */
export class RelayRefusal extends Error {
  override readonly name = 'RelayRefusal';
  readonly code: RefusalCode;
  /** Of the answer, where it comes by HTTP. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RefusalCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }

  /** HTTP status. */
  get status(): number {
    return REFUSALS[this.code];
  }
}
