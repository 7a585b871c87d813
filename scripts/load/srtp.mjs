/** SRTP and SRTCP (RFC 3711) for sending: AES-128 in counter mode, HMAC-SHA1 of 80 bits. */
import { createCipheriv, createHmac } from 'node:crypto';

/** Bytes that DTLS-SRTP (RFC 5764) exports for this profile: two keys and two salts. */
export const KEYING_BYTES = 60;

function derive(key, salt, label, length) {
  const iv = Buffer.alloc(16);
  salt.copy(iv);
  iv[7] ^= label;
  return createCipheriv('aes-128-ctr', key, iv).update(Buffer.alloc(length));
}

/** Encrypts the packets of one stream. */
export class SrtpSender {
  #key;
  #authKey;
  #salt;
  #reportKey;
  #reports = 0;
  #rollovers = 0;
  #last;

  /** @param {Buffer} keying what the DTLS client exported */
  constructor(keying) {
    const [key, salt] = [keying.subarray(0, 16), keying.subarray(32, 46)];
    this.#key = derive(key, salt, 0, 16);
    this.#authKey = derive(key, salt, 1, 20);
    this.#salt = derive(key, salt, 2, 14);
    this.#reportKey = derive(key, salt, 4, 20);
  }

  /** A receiver report that says nothing but that somebody is there. */
  report() {
    const packet = Buffer.alloc(12);
    // Version 2, no blocks; type 201, one word more; any SSRC; the number, marked as encrypted: there is nothing to encrypt.
    packet.writeUInt32BE(0x80c90001, 0);
    packet.writeUInt32BE(1, 4);
    packet.writeUInt32BE((0x80000000 | this.#reports) >>> 0, 8);
    this.#reports += 1;
    const tag = createHmac('sha1', this.#reportKey).update(packet).digest();
    return Buffer.concat([packet, tag.subarray(0, 10)]);
  }

  /** @param {Buffer} packet RTP with a header of 12 bytes */
  protect(packet) {
    const sequence = packet.readUInt16BE(2);
    if (this.#last !== undefined && sequence < this.#last) this.#rollovers += 1;
    this.#last = sequence;
    const iv = Buffer.alloc(16);
    this.#salt.copy(iv);
    for (let i = 0; i < 4; i += 1) iv[4 + i] ^= packet[8 + i];
    const index = Buffer.alloc(6);
    index.writeUInt32BE(this.#rollovers, 0);
    index.writeUInt16BE(sequence, 4);
    for (let i = 0; i < 6; i += 1) iv[8 + i] ^= index[i];
    const payload = createCipheriv('aes-128-ctr', this.#key, iv).update(packet.subarray(12));
    const secret = Buffer.concat([packet.subarray(0, 12), payload]);
    const tag = createHmac('sha1', this.#authKey).update(secret).update(index.subarray(0, 4)).digest();
    return Buffer.concat([secret, tag.subarray(0, 10)]);
  }
}
