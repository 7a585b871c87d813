/**
 * A WebRTC client that costs next to nothing: it connects as a browser does (ICE, DTLS, SRTP) and counts what comes
 * without decrypting or decoding it. The DTLS handshake is openssl's.
 */
import { spawn } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bindingRequest } from '#src/stream/media/stun.js';
import { run } from '../lib/run.mjs';
import { KEYING_BYTES, SrtpSender } from './srtp.mjs';

/** Checks of consent (RFC 7675) come every 4 to 6 s. */
const CONSENT_MS = 4000;
/** Browsers report about once a second. */
const REPORT_MS = 1000;
const CONNECT_MS = 20_000;

/** Makes the certificate that all clients show. @param {string} folder where it is put */
export async function makeCertificate(folder) {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await run('openssl', ['req', '-x509', ...ec, '-subj', '/CN=load', '-keyout', key, '-out', cert]);
  return { cert, key, fingerprint: new X509Certificate(await readFile(cert)).fingerprint256 };
}

/** What the clients of a load test do not share. */
export class RtcClient {
  ufrag = randomBytes(4).toString('hex');
  password = randomBytes(16).toString('hex');
  /** Packets and bytes of media that came, and the packets that the numbers of the first stream say were sent. */
  counts = { packets: 0, bytes: 0, expected: 0 };
  #certificate;
  #socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  #dtls;
  #consent;
  #report;
  #succeeded;
  #toOpenssl;
  #habits;
  #ssrc;
  #sequence;
  #srtp;
  #openssl;

  /** @param {{ consent?: boolean, reports?: boolean }} habits what it sends of its own accord once it is connected */
  constructor(certificate, { consent = true, reports = true } = {}) {
    this.#certificate = certificate;
    this.#habits = { consent, reports };
    this.#socket.on('message', (packet) => this.#packet(packet));
    this.#socket.on('error', () => {});
  }

  /** The lines of an offer that belong to the connection. */
  get offerLines() {
    return [
      ...[`a=ice-ufrag:${this.ufrag}`, `a=ice-pwd:${this.password}`, 'a=setup:active'],
      ...[`a=fingerprint:sha-256 ${this.#certificate.fingerprint}`, 'a=rtcp-mux'],
    ];
  }

  /** @param {{ host: string, port: number, ufrag: string, password: string }} server where it is, and its ICE credentials */
  async connect(server) {
    this.#socket.connect(server.port, server.host);
    await once(this.#socket, 'connect');
    const { ufrag, password } = server;
    const check = () =>
      this.#socket.send(bindingRequest({ ufrag, password, from: this.ufrag, nominate: true }), () => {});
    const succeeded = new Promise((resolve) => {
      this.#succeeded = resolve;
    });
    check();
    this.#consent = setInterval(check, CONSENT_MS);
    const late = AbortSignal.timeout(CONNECT_MS);
    const failed = once(late, 'abort').then(() => {
      throw new Error('a client could not connect');
    });
    const connected = succeeded.then(() => this.#handshake());
    failed.catch(() => {});
    const keying = await Promise.race([connected, failed]);
    this.#srtp = new SrtpSender(keying);
    if (!this.#habits.consent) clearInterval(this.#consent);
    if (!this.#habits.reports) return;
    this.#report = setInterval(() => this.#socket.send(this.#srtp.report(), () => {}), REPORT_MS);
  }

  /** Lets openssl shake hands through this client's socket. @returns {Promise<Buffer>} keys for SRTP */
  async #handshake() {
    const dtls = createSocket('udp4');
    this.#dtls = dtls;
    dtls.bind(0, '127.0.0.1');
    await once(dtls, 'listening');
    dtls.on('message', (packet, { port }) => {
      this.#toOpenssl = port;
      this.#socket.send(packet, () => {});
    });
    const { cert, key } = this.#certificate;
    const child = spawn(
      'openssl',
      [
        ...['s_client', '-dtls1_2', '-connect', `127.0.0.1:${dtls.address().port}`, '-mtu', '1200'],
        ...['-cert', cert, '-key', key, '-use_srtp', 'SRTP_AES128_CM_SHA1_80'],
        ...['-keymatexport', 'EXTRACTOR-dtls_srtp', '-keymatexportlen', String(KEYING_BYTES)],
      ],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    this.#openssl = child;
    let text = '';
    const keying = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error('openssl could not connect')));
      child.stdout.setEncoding('latin1').on('data', (chunk) => {
        text += chunk;
        const hex = /Keying material: ([0-9A-F]{120})/.exec(text)?.[1];
        if (hex) resolve(Buffer.from(hex, 'hex'));
      });
    });
    // Ended otherwise, it would say goodbye to the server.
    child.kill('SIGKILL');
    dtls.close();
    this.#dtls = undefined;
    return keying;
  }

  #packet(packet) {
    const first = packet[0];
    if (first < 4) {
      // A binding success response (RFC 8489).
      if (packet.length >= 20 && packet.readUInt16BE(0) === 0x0101) this.#succeeded?.();
    } else if (first < 64) {
      if (this.#dtls && this.#toOpenssl) this.#dtls.send(packet, this.#toOpenssl, '127.0.0.1', () => {});
    } else if (first >= 128 && first < 192) {
      const type = packet[1];
      // Types 192 to 223 are RTCP (RFC 5761).
      if (type < 192 || type > 223) this.#media(packet);
    }
  }

  #media(packet) {
    const { counts } = this;
    counts.packets += 1;
    counts.bytes += packet.length;
    const [sequence, ssrc] = [packet.readUInt16BE(2), packet.readUInt32BE(8)];
    this.#ssrc ??= ssrc;
    if (ssrc !== this.#ssrc) return;
    const ahead = this.#sequence === undefined ? 1 : (sequence - this.#sequence) & 0xffff;
    if (ahead === 0 || ahead >= 0x8000) return;
    counts.expected += ahead;
    this.#sequence = sequence;
  }

  /** Sends an RTP packet. */
  send(packet) {
    this.#socket.send(this.#srtp.protect(packet), () => {});
  }

  close() {
    clearInterval(this.#consent);
    clearInterval(this.#report);
    this.#openssl?.kill('SIGKILL');
    this.#dtls?.close();
    this.#socket.close();
  }
}
