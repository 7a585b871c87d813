import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Numbers of RFC 8489 (STUN) and RFC 8445 (ICE). */
const BINDING_REQUEST = 0x0001;
const COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
const ATTRIBUTES = {
  username: 0x0006,
  integrity: 0x0008,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  controlling: 0x802a,
} as const;
const FINGERPRINT_XOR = 0x5354554e;
/** Bytes of the last two attributes, head included. */
const [INTEGRITY_BYTES, FINGERPRINT_BYTES] = [24, 8];
/** Priority of a host candidate over UDP (RFC 8445, section 5.1.2.1). */
const PRIORITY = 0x6e7f00ff;

/** Whose password a check is made with, and what it asks for. */
export interface Check {
  /** User fragment of the side that is checked. */
  readonly ufrag: string;
  /** Password of the side that is checked. */
  readonly password: string;
  /** User fragment of the side that checks. */
  readonly from: string;
  /** Whether media shall go over the pair of addresses that the check takes. */
  readonly nominate: boolean;
}

/** A connectivity or consent check of ICE's controlling side: a STUN binding request (RFC 8445, section 7.1). */
export function bindingRequest({ ufrag, password, from, nominate }: Check): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(BINDING_REQUEST, 0);
  header.writeUInt32BE(COOKIE, 4);
  randomBytes(12).copy(header, 8);
  let message = Buffer.concat([
    header,
    attribute('username', Buffer.from(`${ufrag}:${from}`)),
    attribute('controlling', randomBytes(8)),
    attribute('priority', number32(PRIORITY)),
    ...(nominate ? [attribute('useCandidate', Buffer.alloc(0))] : []),
  ]);
  const digest = createHmac('sha1', password).update(withLength(message, INTEGRITY_BYTES)).digest();
  message = Buffer.concat([message, attribute('integrity', digest)]);
  const sum = crc32(withLength(message, FINGERPRINT_BYTES)) ^ FINGERPRINT_XOR;
  return Buffer.concat([message, attribute('fingerprint', number32(sum))]);
}

function attribute(name: keyof typeof ATTRIBUTES, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(ATTRIBUTES[name], 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc(-value.length & 3)]);
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Writes the length into the header; it counts an attribute of `more` bytes that is still to come. */
function withLength(message: Buffer, more: number): Buffer {
  message.writeUInt16BE(message.length - HEADER_BYTES + more, 2);
  return message;
}
