import type { types } from 'mediasoup';
import { type MediaDescription, parse, parseParams, type SessionDescription } from 'sdp-transform';
import { RelayRefusal } from '../relay-error.js';

/** Largest SDP that is read, in bytes. */
export const MAX_SDP = 64 << 10;
const MAX_SECTIONS = 8;

/** One codec of an offer, with the numbers the offer gives it. */
export interface OfferedCodec {
  readonly mimeType: string;
  readonly payloadType: number;
  readonly clockRate: number;
  readonly channels: number | undefined;
  readonly parameters: Readonly<Record<string, string | number | undefined>>;
  readonly rtcpFeedback: readonly types.RtcpFeedback[];
}

/** A media section of an offer. */
export interface OfferedMedia {
  readonly kind: types.MediaKind;
  /** What stands behind the port: protocol, and payload types or another format. */
  readonly protocol: string;
  readonly formats: string;
  readonly mid: string;
  readonly direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  /** In the order of the offer. */
  readonly codecs: readonly OfferedCodec[];
  readonly extensions: readonly { readonly id: number; readonly uri: string }[];
  readonly ssrc: number | undefined;
  readonly rtxSsrc: number | undefined;
  readonly cname: string | undefined;
  /** Names of the layers of a simulcast, in the order of the offer; empty: one encoding. */
  readonly rids: readonly string[];
  /** The same from the smallest to the largest; undefined when the offer does not tell. */
  readonly ridsBySize: readonly string[] | undefined;
}

/** What an SDP offer says, as far as WHIP and WHEP care. */
export interface Offer {
  readonly media: readonly OfferedMedia[];
  readonly dtlsParameters: types.DtlsParameters;
  readonly iceUfrag: string;
}

/** Parameters of a codec; the reader takes a profile of digits only for a number. */
function parametersOf(config: unknown): OfferedCodec['parameters'] {
  // The reader takes what is all digits for a number, here and below.
  const parameters = parseParams(String(config));
  const profile = parameters['profile-level-id'];
  return profile === undefined ? parameters : { ...parameters, 'profile-level-id': String(profile).padStart(6, '0') };
}

function codecsOf(section: SessionDescription['media'][number]): OfferedCodec[] {
  return section.rtp.map(({ payload, codec, rate, encoding }) => ({
    mimeType: `${section.type}/${codec}`,
    payloadType: payload,
    clockRate: rate ?? 0,
    channels: section.type === 'audio' ? (encoding ?? 1) : undefined,
    parameters: parametersOf(section.fmtp.find((fmtp) => fmtp.payload === payload)?.config ?? ''),
    rtcpFeedback: (section.rtcpFb ?? [])
      .filter((feedback) => feedback.payload === payload || String(feedback.payload) === '*')
      .map(({ type, subtype }) => (subtype ? { type, parameter: subtype } : { type })),
  }));
}

/** Layers that are sent (RFC 8853): of alternatives the first, whether paused at the start or not. */
function ridsOf({ simulcast, rids = [] }: SessionDescription['media'][number]): string[] {
  const { dir1, list1, dir2, list2 } = simulcast ?? {};
  const sent = dir1 === 'send' ? list1 : dir2 === 'send' ? list2 : undefined;
  const named = (sent === undefined ? undefined : String(sent))
    ?.split(';')
    .map((layer) => (layer.split(',')[0] ?? '').replace('~', ''));
  const known = rids.filter(({ direction }) => direction === 'send').map(({ id }) => String(id));
  const layers = named?.filter((rid) => known.includes(rid)) ?? known;
  return layers.length > 1 ? layers : [];
}

/**
 * Restrictions of a layer that tell how large it is (RFC 8851, 5), the surest first. The order of an offer does not: it
 * is one of preference (RFC 8853, 5.2), so that some begin with the largest.
 */
const MEASURES: readonly (readonly string[])[] = [['max-width', 'max-height'], ['max-fs'], ['max-pps'], ['max-br']];

/** Sorts layers by the first measure that all of them have. */
function bySize(layers: readonly string[], { rids = [] }: SessionDescription['media'][number]): string[] | undefined {
  const restrictions = new Map(
    rids
      .filter(({ direction }) => direction === 'send')
      .map(({ id, params }) => [String(id), parseParams(params ?? '')]),
  );
  for (const names of MEASURES) {
    const sizeOf = (rid: string) =>
      names.reduce((product, name) => product * Number(restrictions.get(rid)?.[name] ?? Number.NaN), 1);
    if (layers.every((rid) => Number.isFinite(sizeOf(rid)))) return layers.toSorted((a, b) => sizeOf(a) - sizeOf(b));
  }
  return undefined;
}

/** Whether a section is there for its place only (RFC 8843, 6: with `a=bundle-only` port 0 means another thing). */
function disabled({ port, bundleOnly }: SessionDescription['media'][number]): boolean {
  return port === 0 && bundleOnly === undefined;
}

function mediaOf(section: SessionDescription['media'][number], index: number): OfferedMedia {
  const group = section.ssrcGroups
    ?.filter(({ semantics }) => semantics === 'FID')
    .map(({ ssrcs }) => String(ssrcs).split(' ').map(Number))[0];
  const ssrc = group?.[0] ?? section.ssrcs?.map(({ id }) => Number(id))[0];
  const cname = section.ssrcs?.find(({ attribute }) => attribute === 'cname')?.value;
  const rids = ridsOf(section);
  return {
    kind: section.type as types.MediaKind,
    protocol: section.protocol,
    formats: String(section.payloads ?? 0),
    mid: String(section.mid ?? index),
    direction: disabled(section) ? 'inactive' : (section.direction ?? 'sendrecv'),
    codecs: codecsOf(section),
    extensions: (section.ext ?? []).map(({ value, uri }) => ({ id: value, uri })),
    ssrc,
    rtxSsrc: group?.[1],
    cname: cname === undefined ? undefined : String(cname),
    rids,
    ridsBySize: bySize(rids, section),
  };
}

const ALGORITHMS = ['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512'] as const;

/** Reads an SDP offer. @throws RelayRefusal `bad-request` */
export function readOffer(text: string): Offer {
  let session: SessionDescription;
  try {
    if (!text.startsWith('v=0')) throw new TypeError('not SDP');
    session = parse(text);
  } catch {
    throw new RelayRefusal('bad-request', 'the offer is not SDP');
  }
  const sections = session.media ?? [];
  if (sections.length === 0 || sections.length > MAX_SECTIONS) {
    throw new RelayRefusal('bad-request', `an offer has 1 to ${MAX_SECTIONS} media sections`);
  }
  const find = <K extends 'fingerprint' | 'iceUfrag' | 'setup'>(name: K): MediaDescription[K] | undefined =>
    (sections.find((section) => section[name] !== undefined)?.[name] ??
      (session as unknown as MediaDescription)[name]) as MediaDescription[K] | undefined;
  const fingerprint = find('fingerprint');
  const iceUfrag = find('iceUfrag');
  const algorithm = ALGORITHMS.find((name) => name === fingerprint?.type.toLowerCase());
  if (!fingerprint || !iceUfrag || !algorithm) {
    throw new RelayRefusal('bad-request', 'the offer has no DTLS fingerprint or no ICE credentials');
  }
  return {
    media: sections.map(mediaOf),
    iceUfrag: String(iceUfrag),
    dtlsParameters: {
      // Who offers `actpass` is told `passive` and becomes the client.
      role: find('setup') === 'passive' ? 'server' : 'client',
      // Digits in small letters are the same fingerprint, and the worker takes them for another one.
      fingerprints: [{ algorithm, value: fingerprint.hash.toUpperCase() }],
    },
  };
}
