import type { types } from 'mediasoup';
import type { Offer, OfferedMedia } from './offer.js';

/** How one media section is answered. */
export interface Answered {
  readonly offered: OfferedMedia;
  /** What goes over it; undefined: refused. */
  readonly rtp:
    | {
        readonly direction: 'recvonly' | 'sendonly';
        readonly parameters: Pick<types.RtpParameters, 'codecs' | 'headerExtensions' | 'encodings' | 'rtcp'>;
      }
    | undefined;
}

/** The relay's end of the connection. */
export interface Reached {
  readonly transport: types.WebRtcTransport;
  /** Where clients reach it. */
  readonly candidates: readonly types.IceCandidate[];
}

function fmtpOf(parameters: object | undefined): string {
  return Object.entries(parameters ?? {})
    .map(([name, value]) => (value === undefined || value === '' ? name : `${name}=${value}`))
    .join(';');
}

function candidateLine({ foundation, priority, ip, address, port, protocol, tcpType }: types.IceCandidate): string {
  const tail = protocol === 'tcp' ? ` tcptype ${tcpType ?? 'passive'}` : '';
  return `a=candidate:${foundation} 1 ${protocol} ${priority} ${address ?? ip} ${port} typ host${tail}`;
}

function section({ offered, rtp }: Answered, { transport, candidates }: Reached, setup: string): string[] {
  const { kind, mid } = offered;
  if (!rtp) {
    return [`m=${kind} 0 ${offered.protocol} ${offered.formats}`, 'c=IN IP4 0.0.0.0', `a=mid:${mid}`, 'a=inactive'];
  }
  const { codecs, headerExtensions = [], encodings = [], rtcp } = rtp.parameters;
  const { iceParameters, dtlsParameters } = transport;
  const fingerprint = dtlsParameters.fingerprints.find(({ algorithm }) => algorithm === 'sha-256');
  const lines = [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${codecs.map(({ payloadType }) => payloadType).join(' ')}`,
    'c=IN IP4 0.0.0.0',
    'a=rtcp:9 IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    `a=${rtp.direction}`,
    'a=rtcp-mux',
    'a=rtcp-rsize',
    `a=ice-ufrag:${iceParameters.usernameFragment}`,
    `a=ice-pwd:${iceParameters.password}`,
    `a=fingerprint:${fingerprint?.algorithm} ${fingerprint?.value}`,
    `a=setup:${setup}`,
    ...candidates.map(candidateLine),
    'a=end-of-candidates',
    ...headerExtensions.map(({ id, uri }) => `a=extmap:${id} ${uri}`),
  ];
  for (const { mimeType, payloadType, clockRate, channels, parameters, rtcpFeedback } of codecs) {
    const name = mimeType.slice(mimeType.indexOf('/') + 1);
    lines.push(`a=rtpmap:${payloadType} ${name}/${clockRate}${channels && channels > 1 ? `/${channels}` : ''}`);
    const fmtp = fmtpOf(parameters);
    if (fmtp) lines.push(`a=fmtp:${payloadType} ${fmtp}`);
    for (const { type, parameter } of rtcpFeedback ?? []) {
      lines.push(`a=rtcp-fb:${payloadType} ${type}${parameter ? ` ${parameter}` : ''}`);
    }
  }
  const { rids } = offered;
  if (rtp.direction === 'recvonly' && rids.length > 0) {
    lines.push(...rids.map((rid) => `a=rid:${rid} recv`), `a=simulcast:recv ${rids.join(';')}`);
  }
  const ssrc = encodings[0]?.ssrc;
  if (rtp.direction === 'sendonly' && ssrc !== undefined) {
    lines.push(`a=msid:${rtcp?.cname ?? 'relay'} ${kind}`, `a=ssrc:${ssrc} cname:${rtcp?.cname ?? 'relay'}`);
  }
  return lines;
}

/** The SDP answer: ICE-lite, all sections over one transport. */
export function writeAnswer(offer: Offer, answered: readonly Answered[], reached: Reached): string {
  const accepted = answered.filter(({ rtp }) => rtp).map(({ offered }) => offered.mid);
  const setup = offer.dtlsParameters.role === 'client' ? 'passive' : 'active';
  const lines = [
    'v=0',
    `o=- ${Date.now()} 1 IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    'a=ice-lite',
    `a=group:BUNDLE ${accepted.join(' ')}`,
    'a=msid-semantic: WMS *',
    ...answered.flatMap((entry) => section(entry, reached, setup)),
  ];
  return `${lines.join('\r\n')}\r\n`;
}
