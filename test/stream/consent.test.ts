import { setTimeout as sleep } from 'node:timers/promises';
import rtc, { type Track } from 'node-datachannel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { log } from '#src/shared/log.js';
import { createRelay, type Relay } from '#src/stream/relay.js';
import { type ClientCertificate, makeCertificate, RtcClient } from '../../scripts/load/rtc-client.mjs';
import { encodeClip, sendForever } from '../../scripts/load/stream.mjs';
import { publish, watch } from '../../scripts/load/whip.mjs';
import { testFolder } from '../support/folder.js';

const PATIENCE = { timeout: 120_000, interval: 500 };
/** Two looks of the relay. */
const LOOKS_MS = 11_000;

/** What a client sends besides media. */
const SENDS = {
  both: { consent: true, reports: true },
  checks: { consent: true, reports: false },
  reports: { consent: false, reports: true },
  nothing: { consent: false, reports: false },
} as const;

const folder = testFolder();

describe('who still consents to WHIP and WHEP', { timeout: 400_000 }, () => {
  let relay: Relay;
  let certificate: ClientCertificate;
  let clip: Awaited<ReturnType<typeof encodeClip>>;
  const closers = new Map<RtcClient, (() => void)[]>();
  const library = new rtc.PeerConnection('viewer', { iceServers: [] });
  /** Kept until the end: with the object its callback would go. */
  let track: Track | undefined;

  beforeAll(async () => {
    log.level = process.env.TINYSR_TEST_LOG ?? 'silent';
    relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0 });
    certificate = await makeCertificate(folder.path);
    clip = await encodeClip('VP8', '160x90', 200_000, folder.path);
  });
  afterAll(async () => {
    vanish(...closers.keys());
    track?.close();
    library.close();
    rtc.cleanup();
    await relay?.close();
  });

  function client(sends: keyof typeof SENDS): RtcClient {
    const made = new RtcClient(certificate, SENDS[sends]);
    closers.set(made, [() => made.close()]);
    return made;
  }

  /** As when a cable is pulled: without a goodbye. */
  function vanish(...clients: readonly RtcClient[]): void {
    for (const gone of clients) {
      for (const close of closers.get(gone)?.reverse() ?? []) close();
      closers.delete(gone);
    }
  }

  /** Publishes, with pictures unless it has nothing to show yet. */
  async function publisher(sends: keyof typeof SENDS, room: string, pictures: boolean): Promise<RtcClient> {
    const made = client(sends);
    const ssrc = closers.size;
    await publish(made, relay.url, room, ssrc);
    if (pictures) closers.get(made)?.push(await sendForever(clip, 96, ssrc, (packet) => made.send(packet)));
    return made;
  }

  async function viewer(sends: keyof typeof SENDS): Promise<RtcClient> {
    const made = client(sends);
    await watch(made, relay.url, 'stays', 'original');
    return made;
  }

  /** A viewer of libdatachannel, which checks its consent and, as it is not told to, sends no reports. */
  async function libraryViewer(): Promise<Pick<RtcClient, 'counts'>> {
    const counts = { packets: 0, bytes: 0, expected: 0 };
    const video = new rtc.Video('0', 'RecvOnly');
    video.addVP8Codec(96);
    track = library.addTrack(video);
    track.onMessage(() => {
      counts.packets += 1;
    });
    library.setLocalDescription();
    const body = library.localDescription()?.sdp ?? '';
    const headers = { 'content-type': 'application/sdp' };
    const response = await fetch(`${relay.url}/whep/stays?source=original`, { method: 'POST', headers, body });
    const answer = await response.text();
    expect(response.status, answer).toBe(201);
    library.setRemoteDescription(answer, 'answer');
    return { counts };
  }

  it('stays by checks alone, by reports alone, by media alone; who sends nothing any more is gone', async () => {
    await publisher('nothing', 'stays', true);
    await publisher('checks', 'waits', false);
    const watching = [
      ...[await viewer('checks'), await viewer('reports'), await viewer('both')],
      await libraryViewer(),
    ];
    const vanishing = [
      await publisher('nothing', 'vanishes', true),
      ...[await viewer('checks'), await viewer('reports'), await viewer('nothing')],
    ];
    expect(relay.state).toMatchObject({ sessions: 10, viewers: 7 });

    await sleep(LOOKS_MS);
    vanish(...vanishing);
    await expect.poll(() => relay.state, PATIENCE).toMatchObject({ sessions: 6, viewers: 4 });
    // All the others have now been there for longer than who vanished was waited for.
    await sleep(LOOKS_MS);
    expect(relay.state).toMatchObject({ sessions: 6, viewers: 4 });
    const before = watching.map(({ counts }) => counts.packets);
    const flowing = () => watching.every(({ counts }, index) => counts.packets > (before[index] ?? 0) + 20);
    await expect.poll(flowing, PATIENCE).toBe(true);
  });
});
