import type { types } from 'mediasoup';
import { RelayRefusal } from '../relay-error.js';
import type { OfferedCodec, OfferedMedia } from './offer.js';

/** Feedback the relay understands. */
const FEEDBACK: ReadonlySet<string> = new Set(['nack', 'nack pli', 'ccm fir', 'goog-remb', 'transport-cc']);

function feedbackName({ type, parameter }: types.RtcpFeedback): string {
  return parameter ? `${type} ${parameter}` : type;
}

/** H.264 profiles are the first four digits, constrained baseline counts like baseline for a decoder. */
function profileOf(parameters: Readonly<Record<string, unknown>> | undefined): string {
  return String(parameters?.['profile-level-id'] ?? '42001f').toLowerCase();
}

/** Profile of a `profile-level-id` as mediasoup tells profiles apart. */
export function h264Profile(id: string): 'constrained-baseline' | 'baseline' | 'main' | 'high' | 'other' {
  const [idc, iop] = [Number.parseInt(id.slice(0, 2), 16), Number.parseInt(id.slice(2, 4), 16)];
  if (idc === 0x42) return iop & 0x40 ? 'constrained-baseline' : 'baseline';
  if (idc === 0x4d) return iop & 0x80 ? 'constrained-baseline' : 'main';
  if (idc === 0x64) return iop === 0 ? 'high' : 'other';
  return 'other';
}

/** Whether an offered codec is this one: name, clock, for VP9 the profile, for H.264 packetization and profile. */
export function sameCodec(
  offered: OfferedCodec,
  codec: Pick<types.RtpCodecCapability, 'mimeType' | 'clockRate' | 'parameters'>,
): boolean {
  if (offered.mimeType.toLowerCase() !== codec.mimeType.toLowerCase() || offered.clockRate !== codec.clockRate)
    return false;
  const name = codec.mimeType.toLowerCase();
  if (name === 'video/vp9') {
    return Number(offered.parameters['profile-id'] ?? 0) === Number(codec.parameters?.['profile-id'] ?? 0);
  }
  if (name !== 'video/h264') return true;
  return (
    Number(offered.parameters['packetization-mode'] ?? 0) === 1 &&
    h264Profile(profileOf(offered.parameters)) === h264Profile(profileOf(codec.parameters))
  );
}

/** RTP parameters of what a WHIP client sends: its own numbers, cut down to what the room takes; undefined: nothing fits. */
export function publisherParameters(
  media: OfferedMedia,
  capabilities: types.RtpCapabilities,
): types.RtpParameters | undefined {
  const known = (capabilities.codecs ?? []).filter(({ mimeType }) => !/\/rtx$/i.test(mimeType));
  const codec = media.codecs.find((offered) => known.some((candidate) => sameCodec(offered, candidate)));
  if (!codec) return undefined;
  const extensions = media.extensions.filter(({ uri }) =>
    (capabilities.headerExtensions ?? []).some((extension) => extension.uri === uri && extension.kind === media.kind),
  );
  const congestion = extensions.some(({ uri }) => uri.includes('transport-wide-cc')) ? 'transport-cc' : 'goog-remb';
  const feedback = codec.rtcpFeedback.filter((entry) => {
    const name = feedbackName(entry);
    return FEEDBACK.has(name) && (!['transport-cc', 'goog-remb'].includes(name) || name === congestion);
  });
  const rtx = media.codecs.find(
    ({ mimeType, parameters }) => /\/rtx$/i.test(mimeType) && Number(parameters.apt) === codec.payloadType,
  );
  const usesRtx = rtx !== undefined && (media.ssrc === undefined || media.rtxSsrc !== undefined);
  const channels = codec.channels === undefined ? {} : { channels: codec.channels };
  return {
    mid: media.mid,
    codecs: [
      {
        mimeType: codec.mimeType,
        payloadType: codec.payloadType,
        clockRate: codec.clockRate,
        ...channels,
        parameters: { ...codec.parameters },
        rtcpFeedback: feedback,
      },
      ...(usesRtx
        ? [
            {
              mimeType: rtx.mimeType,
              payloadType: rtx.payloadType,
              clockRate: rtx.clockRate,
              parameters: { apt: codec.payloadType },
              rtcpFeedback: [],
            },
          ]
        : []),
    ],
    headerExtensions: extensions.map(({ id, uri }) => ({ id, uri: uri as types.RtpHeaderExtensionUri })),
    encodings:
      media.rids.length > 0
        ? (media.ridsBySize ?? media.rids).map((rid) => ({ rid }))
        : [
            {
              ...(media.ssrc === undefined ? {} : { ssrc: media.ssrc }),
              ...(media.ssrc !== undefined && usesRtx && media.rtxSsrc !== undefined
                ? { rtx: { ssrc: media.rtxSsrc } }
                : {}),
            },
          ],
    rtcp: { cname: media.cname ?? 'whip', reducedSize: true },
  };
}

/** What a publication takes of each kind. */
const TAKEN = {
  video: { track: 'picture', codecs: 'H.264 (baseline to high, packetization-mode=1), VP8, VP9 (8 bits)' },
  audio: { track: 'sound', codecs: 'Opus' },
} as const;

/**
 * The sections of an offer that a WHIP client sends media over, each with its RTP parameters.
 *
 * All of them or none: a session without the picture, say, looks to whoever publishes like one with it (RFC 9725, 4.4.3).
 *
 * @throws RelayRefusal `not-acceptable`
 */
export function sentTracks(
  media: readonly OfferedMedia[],
  capabilities: types.RtpCapabilities,
): Map<OfferedMedia, types.RtpParameters> {
  const tracks = new Map<OfferedMedia, types.RtpParameters>();
  for (const section of media) {
    const { kind, direction, codecs } = section;
    if (!Object.hasOwn(TAKEN, kind) || (direction !== 'sendonly' && direction !== 'sendrecv')) continue;
    const taken = TAKEN[kind];
    if ([...tracks.keys()].some((other) => other.kind === kind)) {
      throw new RelayRefusal('not-acceptable', `the offer has more than one ${taken.track}; a room takes one`);
    }
    const parameters = publisherParameters(section, capabilities);
    if (!parameters) {
      const names = [...new Set(codecs.map(({ mimeType }) => mimeType.slice(mimeType.indexOf('/') + 1)))]
        .filter((name) => !/^(?:rtx|red|ulpfec|flexfec-03)$/i.test(name))
        .slice(0, 8);
      const offered = names.join(', ') || 'no codec';
      const advice = `this relay takes ${taken.codecs}`;
      throw new RelayRefusal('not-acceptable', `the ${taken.track} is offered as ${offered}; ${advice}`);
    }
    tracks.set(section, parameters);
  }
  if (tracks.size === 0) throw new RelayRefusal('not-acceptable', 'the offer sends neither picture nor sound');
  return tracks;
}

/** What a WHEP client can take of a router whose payload types are the client's already. */
export function viewerCapabilities(
  media: readonly OfferedMedia[],
  router: types.RtpCapabilities,
): types.RtpCapabilities {
  const offeredCodecs = media.flatMap(({ codecs }) => codecs);
  const codecs = (router.codecs ?? []).flatMap((codec) => {
    const offered = offeredCodecs.find(
      (candidate) => candidate.payloadType === codec.preferredPayloadType && sameCodec(candidate, codec),
    );
    if (!offered) return [];
    const names = new Set(offered.rtcpFeedback.map(feedbackName));
    return [{ ...codec, rtcpFeedback: (codec.rtcpFeedback ?? []).filter((entry) => names.has(feedbackName(entry))) }];
  });
  // The router's extension numbers cannot be changed: those that the offer numbers otherwise are left out.
  const headerExtensions = (router.headerExtensions ?? []).filter((extension) =>
    media.some(
      ({ kind, extensions }) =>
        kind === extension.kind &&
        extensions.some(({ id, uri }) => uri === extension.uri && id === extension.preferredId),
    ),
  );
  return { codecs, headerExtensions };
}
