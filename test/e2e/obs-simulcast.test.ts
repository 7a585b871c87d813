import rtc from 'node-datachannel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Relay } from '#src/stream/relay.js';
import { packetizeH264 } from '#src/stream/rtp/h264.js';
import { RtpWriter } from '#src/stream/rtp/packet.js';
import { Client, TOKEN } from '../stream/client.js';
import { PATIENCE } from './browser.js';
import { unitsLikeObs } from './obs-client.js';
import { openRelay } from './stage.js';

const FPS = 30;
const PAYLOAD_TYPE = 96;
const SSRC = 4001;
/** Largest first, named by their place, as OBS Studio has them since it knows simulcast. */
const SIZES = ['320x180', '160x90'] as const;

/** Numbers and names that OBS gives the header extensions. */
const LINES = [
  'a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  ...SIZES.map((_size, layer) => `a=rid:${layer} send`),
  `a=simulcast:send ${SIZES.map((_size, layer) => layer).join(';')}`,
];

/** Extensions of one byte's head (RFC 8285, section 4.2): section "1", and the layer's name. */
function withNames(packet: Buffer, layer: number): Buffer {
  const head = Buffer.from(packet.subarray(0, 12));
  head.writeUInt8(head.readUInt8(0) | 0x10, 0);
  const names = Buffer.from([0xbe, 0xde, 0, 1, 0x10, '1'.charCodeAt(0), 0x20, String(layer).charCodeAt(0)]);
  return Buffer.concat([head, names, packet.subarray(12)]);
}

describe('a simulcast as OBS Studio sends it by WHIP', { timeout: 3 * PATIENCE }, () => {
  const connection = new rtc.PeerConnection('obs', { iceServers: [] });
  let relay: Relay;
  let clips: readonly (readonly (readonly Buffer[])[])[];
  let timer: NodeJS.Timeout | undefined;

  beforeAll(async () => {
    relay = await openRelay({ token: TOKEN, targetDelay: 2000 });
    clips = await Promise.all(SIZES.map((size) => unitsLikeObs(size)));
  }, PATIENCE);
  afterAll(async () => {
    clearInterval(timer);
    connection.close();
    rtc.cleanup();
    await relay?.close();
  }, PATIENCE);

  /** Publishes; it never makes a key frame on request, and reports no times, which it does for some layers only. */
  async function publish(room: string): Promise<void> {
    const video = new rtc.Video('1', 'SendOnly');
    for (const layer of SIZES.keys()) video.addSSRC(SSRC + layer, 'obs', 'obs', 'obs-video');
    video.addH264Codec(PAYLOAD_TYPE, 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1');
    const track = connection.addTrack(video);
    connection.setLocalDescription();
    const offer = `${connection.localDescription()?.sdp ?? ''}${LINES.join('\r\n')}\r\n`;
    const headers = { 'content-type': 'application/sdp', authorization: `Bearer ${TOKEN}` };
    const response = await fetch(`${relay.url}/whip/${room}`, { method: 'POST', headers, body: offer });
    const answer = await response.text();
    expect(response.status, answer).toBe(201);
    expect(answer).toMatch(/^a=simulcast:recv 0;1\r$/m);
    connection.setRemoteDescription(answer, 'answer');
    const writers = SIZES.map((_size, layer) => new RtpWriter(PAYLOAD_TYPE, SSRC + layer));
    const started = performance.now();
    let frames = 0;
    timer = setInterval(() => {
      for (; frames < ((performance.now() - started) * FPS) / 1000; frames += 1) {
        if (!track.isOpen()) continue;
        writers.forEach((writer, layer) => {
          const units = clips[layer]?.[frames % (clips[layer]?.length ?? 1)] ?? [];
          const payloads = [...packetizeH264(units, 1200)];
          payloads.forEach((parts, index) => {
            const packet = writer.write(frames * (90_000 / FPS), index === payloads.length - 1, ...parts);
            track.sendMessageBinary(withNames(packet, layer));
          });
        });
      }
    }, 10);
  }

  it('the largest layer is upscaled', async () => {
    await publish('obs-layers');
    const viewer = new Client(relay);
    let source: string | undefined;
    viewer.socket.on('message', (text) => {
      const { data } = JSON.parse(String(text)) as { data?: { bridge?: { source?: string; fpsOut: number } } };
      if (data?.bridge?.fpsOut) source = data.bridge.source;
    });
    const { data } = await viewer.hello('watch', { room: 'obs-layers' });
    const wish = { rtpCapabilities: data?.routerRtpCapabilities, sources: ['upscaled'] };
    expect(await viewer.ask('watch', wish)).toMatchObject({ ok: true });
    await expect.poll(() => source, { timeout: PATIENCE }).toBe('320x180');
    await viewer.close();
  });
});
