import type { types } from 'mediasoup';
import { RelayRefusal } from '../relay-error.js';
import { sameCodec } from './negotiate.js';
import type { OfferedMedia } from './offer.js';

/** A media section, and the producer that answers it. */
export interface Matched {
  readonly media: OfferedMedia;
  readonly producer: types.Producer;
}

/** Finds the sections that can take the tracks. @throws RelayRefusal `not-acceptable` when the picture fits none */
export function matchTracks(
  media: readonly OfferedMedia[],
  tracks: { readonly video: types.Producer | undefined; readonly audio: types.Producer | undefined },
): Matched[] {
  const matched: Matched[] = [];
  for (const kind of ['video', 'audio'] as const) {
    const producer = tracks[kind];
    const section = media.find(
      (entry) => entry.kind === kind && (entry.direction === 'recvonly' || entry.direction === 'sendrecv'),
    );
    if (!producer || !section) continue;
    const [codec] = producer.rtpParameters.codecs;
    if (codec && section.codecs.some((offered) => sameCodec(offered, codec)))
      matched.push({ media: section, producer });
    else if (kind === 'video') {
      throw new RelayRefusal('not-acceptable', `the picture is ${codec?.mimeType}, which the offer does not take`);
    }
  }
  if (matched.length === 0) throw new RelayRefusal('not-acceptable', 'the offer takes nothing of what is published');
  return matched;
}

/** The parameters that tell the formats of a codec apart. */
function formatOf({ mimeType, parameters }: types.RtpCodecParameters): Record<string, unknown> {
  const name = mimeType.toLowerCase();
  if (name === 'video/vp9') return { 'profile-id': parameters?.['profile-id'] ?? 0 };
  if (name !== 'video/h264') return {};
  return {
    'packetization-mode': 1,
    'level-asymmetry-allowed': 1,
    'profile-level-id': parameters?.['profile-level-id'] ?? '42e01f',
  };
}

/** Codecs of a router that sends with the offer's payload types. */
export function profileCodecs(matched: readonly Matched[]): types.RouterRtpCodecCapability[] {
  return matched.flatMap(({ media, producer }) => {
    const [codec] = producer.rtpParameters.codecs;
    const offered = codec && media.codecs.find((candidate) => sameCodec(candidate, codec));
    if (!codec || !offered) return [];
    return [
      {
        kind: media.kind,
        mimeType: codec.mimeType,
        clockRate: codec.clockRate,
        ...(codec.channels === undefined ? {} : { channels: codec.channels }),
        preferredPayloadType: offered.payloadType,
        parameters: formatOf(codec),
      },
    ];
  });
}
