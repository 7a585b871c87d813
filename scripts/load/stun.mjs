/** The part of STUN (RFC 8489) and ICE (RFC 8445) that a controlling client of an ICE-lite server needs. */
import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const COOKIE = 0x2112a442;
const ATTRIBUTES = { username: 0x0006, integrity: 0x0008, priority: 0x0024, useCandidate: 0x0025 };
const [CONTROLLING, FINGERPRINT] = [0x802a, 0x8028];
/** Priority of a host candidate over UDP. */
const PRIORITY = 0x6e7f00ff;

function attribute(type, value) {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc(-value.length & 3)]);
}

function number32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** The header counts an attribute that is still to come. */
function withLength(message, more) {
  message.writeUInt16BE(message.length - 20 + more, 2);
  return message;
}

/**
 * A check that nominates its pair at once.
 *
 * @param {string} username `<remote ufrag>:<own ufrag>`
 * @param {string} password the remote one
 */
export function bindingRequest(username, password) {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(0x0001, 0);
  header.writeUInt32BE(COOKIE, 4);
  randomBytes(12).copy(header, 8);
  let message = Buffer.concat([
    header,
    attribute(ATTRIBUTES.username, Buffer.from(username)),
    attribute(CONTROLLING, randomBytes(8)),
    attribute(ATTRIBUTES.priority, number32(PRIORITY)),
    attribute(ATTRIBUTES.useCandidate, Buffer.alloc(0)),
  ]);
  const integrity = createHmac('sha1', password).update(withLength(message, 24)).digest();
  message = Buffer.concat([message, attribute(ATTRIBUTES.integrity, integrity)]);
  const sum = crc32(withLength(message, 8)) ^ 0x5354554e;
  return Buffer.concat([message, attribute(FINGERPRINT, number32(sum))]);
}

/** Whether a packet says that a check succeeded. */
export function isBindingSuccess(packet) {
  return packet.length >= 20 && packet.readUInt16BE(0) === 0x0101 && packet.readUInt32BE(4) === COOKIE;
}
