/** A certificate for DTLS, as files, and its fingerprint (SHA-256). */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** Makes the certificate that all clients show. @param folder where it is put */
export function makeCertificate(folder: string): Promise<ClientCertificate>;

/** A WebRTC client that connects as a browser does and counts what comes, without decrypting or decoding it. */
export class RtcClient {
  readonly counts: { readonly packets: number; readonly bytes: number; readonly expected: number };
  /** @param habits what it sends of its own accord once it is connected: checks of consent, RTCP reports; both */
  constructor(certificate: ClientCertificate, habits?: { readonly consent?: boolean; readonly reports?: boolean });
  /** @param server where it is, and its ICE credentials */
  connect(server: {
    readonly host: string;
    readonly port: number;
    readonly ufrag: string;
    readonly password: string;
  }): Promise<void>;
  /** Sends an RTP packet. */
  send(packet: Buffer): void;
  close(): void;
}
