import type { types } from 'mediasoup';

const h264 = (profile: string): types.RouterRtpCodecCapability => ({
  kind: 'video',
  mimeType: 'video/H264',
  clockRate: 90_000,
  parameters: { 'packetization-mode': 1, 'level-asymmetry-allowed': 1, 'profile-level-id': profile },
});

/** Profile of the upscaled H.264 stream: constrained baseline. */
export const OUTPUT_PROFILE = '42e01f';

/** What a room takes: Opus, VP8, VP9 of 8 bits, and H.264 in the profiles that browsers and OBS send. */
export const ROOM_CODECS: readonly types.RouterRtpCodecCapability[] = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2, parameters: { useinbandfec: 1 } },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000 },
  h264(OUTPUT_PROFILE),
  h264('42001f'),
  h264('4d001f'),
  h264('64001f'),
  { kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, parameters: { 'profile-id': 0 } },
];

/**
 * Header extensions that are not offered: with the orientation sent beside the picture, a phone's frames would arrive
 * unturned at the decoder; without it the sender turns them.
 */
const REFUSED_EXTENSIONS: ReadonlySet<string> = new Set(['urn:3gpp:video-orientation']);

/** A router's capabilities without what is never accepted. */
export function offeredCapabilities(capabilities: types.RtpCapabilities): types.RtpCapabilities {
  return {
    ...capabilities,
    headerExtensions: (capabilities.headerExtensions ?? []).filter(({ uri }) => !REFUSED_EXTENSIONS.has(uri)),
  };
}
