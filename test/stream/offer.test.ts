import { describe, expect, it } from 'vitest';
import { ROOM_CODECS } from '#src/stream/media/codecs.js';
import { publisherParameters } from '#src/stream/whip/negotiate.js';
import { type OfferedMedia, readOffer } from '#src/stream/whip/offer.js';

const CODECS = ROOM_CODECS.map((codec) => ({ ...codec, preferredPayloadType: 96 }));

/** The media section of an offer that sends these layers. @param layers names and restrictions */
function simulcast(layers: readonly (readonly [rid: string, restrictions?: string])[]): OfferedMedia | undefined {
  const lines = [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=ice-ufrag:user', 'a=ice-pwd:password'],
    ...[`a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass'],
    ...['m=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=sendonly', 'a=rtpmap:96 VP8/90000'],
    ...layers.map(([rid, restrictions]) => `a=rid:${rid} send${restrictions ? ` ${restrictions}` : ''}`),
    `a=simulcast:send ${layers.map(([rid]) => rid).join(';')}`,
  ];
  return readOffer(`${lines.join('\r\n')}\r\n`).media[0];
}

describe('an offer', () => {
  const head = [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=ice-ufrag:user', 'a=ice-pwd:password'],
    ...[`a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass'],
  ];

  it('may say in digits alone what is a word elsewhere', () => {
    const lines = [...head, 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:0', 'a=rtpmap:96 VP8/90000', 'a=fmtp:96 5'];
    const more = ['a=rid:1 send', 'a=simulcast:send 1', 'a=ssrc-group:FID 5', 'a=ssrc:5 cname:7'];
    const [media] = readOffer([...lines, ...more, ''].join('\r\n')).media;
    expect(media).toMatchObject({ ssrc: 5, rtxSsrc: undefined, cname: '7', rids: [] });
  });

  it('may have its fingerprint in small letters, which the worker takes for another one', () => {
    const small = head.map((line) => line.replaceAll('AB', 'ab'));
    const { dtlsParameters } = readOffer([...small, 'm=video 9 UDP/TLS/RTP/SAVPF 96', ''].join('\r\n'));
    expect(dtlsParameters.fingerprints[0]?.value).toBe(Array(32).fill('AB').join(':'));
  });

  it('keeps what it says of a section that is no media: an answer repeats it', () => {
    const lines = [...head, 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=mid:0', 'a=sctp-port:5000', ''];
    const [section] = readOffer(lines.join('\r\n')).media;
    expect(section).toMatchObject({ protocol: 'UDP/DTLS/SCTP', formats: 'webrtc-datachannel', codecs: [] });
  });
});

describe('layers of a simulcast in an offer', () => {
  it.each([
    ['sizes', ['max-width=1280;max-height=720', 'pt=96;max-width=320;max-height=180', 'max-width=640;max-height=360']],
    ['sizes of frames', ['max-fs=3600', 'max-fs=240;max-fps=30', 'max-fs=920']],
    ['bit rates, where one has no size', ['max-br=2000000', 'max-width=320;max-br=150000', 'max-br=500000']],
  ] as const)(
    'go from the smallest to the largest by their %s, whatever the order',
    (_name, [first, second, third]) => {
      const media = simulcast([
        ['a', first],
        ['b', second],
        ['c', third],
      ]);
      expect(media?.ridsBySize).toEqual(['b', 'c', 'a']);
      // The order of an answer is one of preference: the client's stays.
      expect(media?.rids).toEqual(['a', 'b', 'c']);
      const parameters = media && publisherParameters(media, { codecs: CODECS, headerExtensions: [] });
      expect(parameters?.encodings?.map(({ rid }) => rid)).toEqual(['b', 'c', 'a']);
    },
  );

  it('keep their order when nothing tells their size', () => {
    for (const media of [simulcast([['high'], ['low']]), simulcast([['high', 'max-width=1280'], ['low']])]) {
      expect(media?.ridsBySize).toBeUndefined();
      const parameters = media && publisherParameters(media, { codecs: CODECS, headerExtensions: [] });
      expect(parameters?.encodings?.map(({ rid }) => rid)).toEqual(['high', 'low']);
    }
  });
});
