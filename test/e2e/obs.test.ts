/// <reference lib="dom" />
import rtc from 'node-datachannel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE, videoContrast, videoState, waitForFrames } from './browser.js';
import { encodeLikeObs, ObsClient } from './obs-client.js';
import { testStage } from './stage.js';

const TOKEN = 'token-of-the-tests';

/** The lines of a media section. */
function sectionOf(sdp: string, kind: 'audio' | 'video'): string {
  return sdp.split(/^(?=m=)/m).find((section) => section.startsWith(`m=${kind} `)) ?? '';
}

describe('what OBS Studio sends by WHIP', { timeout: 3 * PATIENCE }, () => {
  const stage = testStage('160x90', { targetDelay: 2000, token: TOKEN });
  const clients: ObsClient[] = [];
  let pictures: readonly Buffer[];

  beforeAll(async () => {
    pictures = await encodeLikeObs('160x90');
  }, PATIENCE);
  afterAll(() => {
    for (const client of clients) client.close();
    rtc.cleanup();
  });

  function obs(token: string, profile: string): ObsClient {
    const client = new ObsClient(token, profile);
    clients.push(client);
    return client;
  }

  it.each(['42e01f', '4d0029'])(
    'H.264 of profile %s and Opus are answered, shown, and ended by DELETE',
    async (profile) => {
      const { relay, browser } = stage;
      const client = obs(TOKEN, profile);
      // What makes it an offer of OBS: one bundle, nothing to receive, either side of DTLS, all candidates at once.
      expect(client.offer).toMatch(/^a=group:BUNDLE 0 1\r$/m);
      expect(client.offer.match(/^a=(?:sendonly|setup:actpass)\r$/gm)).toHaveLength(4);
      expect(client.offer).toContain('a=end-of-candidates');

      const room = `obs-${profile}`;
      const answer = await client.publish(`${relay.url}/whip/${room}`);
      expect(answer.status, answer.sdp).toBe(201);
      expect(answer.headers.get('content-type')).toBe('application/sdp');
      expect(answer.headers.get('location')).toMatch(/^\/whip\/session\/[\w-]{20,}$/);
      expect(answer.headers.get('etag')).toMatch(/^"[^"]+"$/);
      expect(answer.headers.get('accept-patch')).toBe('application/trickle-ice-sdpfrag');
      expect(answer.sdp).toMatch(/^a=group:BUNDLE 0 1\r$/m);
      for (const [kind, mid, codec] of [
        ['audio', 0, '111 opus/48000/2'],
        ['video', 1, '96 H264/90000'],
      ] as const) {
        const section = sectionOf(answer.sdp, kind);
        const number = codec.split(' ')[0];
        expect(section).toMatch(new RegExp(`^m=${kind} 9 UDP/TLS/RTP/SAVPF ${number}\r$`, 'm'));
        for (const line of [`mid:${mid}`, 'recvonly', 'rtcp-mux', 'setup:passive', `rtpmap:${codec}`]) {
          expect(section).toContain(`\r\na=${line}\r\n`);
        }
      }
      expect(sectionOf(answer.sdp, 'video')).toMatch(
        new RegExp(`^a=fmtp:96 (?=.*packetization-mode=1)(?=.*profile-level-id=${profile})`, 'm'),
      );
      expect(sectionOf(answer.sdp, 'video')).toMatch(/^a=rtcp-fb:96 nack pli\r$/m);

      client.send(pictures);
      const viewer = await browser.open(`${relay.url}/r/${room}#token=${TOKEN}`);
      await waitForFrames(viewer, 'after', 12);
      await waitForFrames(viewer, 'before', 12);
      expect(await videoState(viewer, 'before')).toMatchObject({ width: 160, height: 90 });
      expect(await videoState(viewer, 'after')).toMatchObject({ width: 640, height: 360 });
      expect(await videoContrast(viewer, 'after')).toBeGreaterThan(5);
      expect(
        await viewer.evaluate(() => (document.getElementById('audio') as HTMLAudioElement).srcObject),
      ).toBeTruthy();

      expect(await client.stop()).toBe(200);
      await expect.poll(() => relay.state, { timeout: PATIENCE }).toMatchObject({ sessions: 0, ffmpegPids: [] });
      await viewer.close();
      browser.check();
    },
  );

  it('is refused with a wrong bearer token', async () => {
    const answer = await obs('token-of-nobody', '42e01f').publish(`${stage.relay.url}/whip/obs-stranger`);
    expect(answer.status).toBe(401);
    expect(stage.relay.state.sessions).toBe(0);
  });
});
