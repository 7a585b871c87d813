/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Page } from 'playwright-core';

/** Publishes the fake camera by WHIP, or watches by WHEP, from a page; gives the status and the answer. */
export interface WhipResult {
  readonly status: number;
  readonly location: string | null;
  readonly etag: string | null;
  readonly answer: string;
}

/** How the offer is changed before it is sent, so that numbers differ from client to client. */
export interface OfferChanges {
  /** Codec to put first. */
  readonly prefer?: 'video/VP8' | 'video/VP9' | 'video/H264';
  /** Gives payload types and extensions other numbers. */
  readonly renumber?: boolean;
  /** Sends the camera's picture in several sizes: by how much each is reduced. */
  readonly layers?: readonly number[];
  /** Of those, the one that is not sent at first. */
  readonly idle?: number;
}

/** Runs in the page: makes a peer connection, sends the offer, applies the answer. */
export function connectByHttp(
  page: Page,
  kind: 'whip' | 'whep',
  url: string,
  changes: OfferChanges = {},
): Promise<WhipResult> {
  return page.evaluate(
    async ([role, address, options]) => {
      const connection = new RTCPeerConnection();
      const store = window as unknown as Record<string, unknown>;
      store[`${role}Connection`] = connection;
      const video = document.createElement('video');
      video.id = `${role}-video`;
      video.muted = true;
      video.autoplay = true;
      document.body.append(video);
      if (role === 'whip') {
        const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
        for (const track of stream.getTracks()) {
          const layers = track.kind === 'video' ? (options.layers ?? []) : [];
          connection.addTransceiver(track, {
            direction: 'sendonly',
            sendEncodings: layers.map((reduction, index) => ({
              rid: `layer${index}`,
              scaleResolutionDownBy: reduction,
              maxBitrate: 1_200_000 / reduction,
            })),
          });
        }
      } else {
        connection.addTransceiver('video', { direction: 'recvonly' });
        connection.addTransceiver('audio', { direction: 'recvonly' });
        connection.ontrack = ({ track, streams }) => {
          if (track.kind === 'video') video.srcObject = streams[0] ?? new MediaStream([track]);
          else
            document.body.append(Object.assign(new Audio(), { srcObject: new MediaStream([track]), autoplay: true }));
        };
      }
      if (options.prefer) {
        const wanted = options.prefer.toLowerCase();
        for (const transceiver of connection.getTransceivers()) {
          const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
          const rank = (mimeType: string) => (mimeType.toLowerCase() === wanted ? 0 : 1);
          const isVideo = (transceiver.sender.track ?? transceiver.receiver.track).kind === 'video';
          if (isVideo) transceiver.setCodecPreferences(codecs.sort((a, b) => rank(a.mimeType) - rank(b.mimeType)));
        }
      }
      const offer = await connection.createOffer();
      let sdp = offer.sdp ?? '';
      if (options.renumber) {
        // Payload types 96 to 127 move by one round, extension ids by eight.
        const move = (number: string) => {
          const value = Number(number);
          return value >= 96 && value <= 127 ? String(96 + ((value - 96 + 7) % 32)) : number;
        };
        sdp = sdp
          .replace(
            /^(m=\w+ \d+ \S+ )(.*)$/gm,
            (_all, head: string, list: string) => head + list.split(' ').map(move).join(' '),
          )
          .replace(/^(a=(?:rtpmap|fmtp|rtcp-fb):)(\d+)/gm, (_all, head: string, number: string) => head + move(number))
          .replace(/\bapt=(\d+)/g, (_all, number: string) => `apt=${move(number)}`)
          .replace(
            /^(a=fmtp:\d+ )(\d+)\/(\d+)/gm,
            (_all, head: string, a: string, b: string) => `${head}${move(a)}/${move(b)}`,
          )
          .replace(/^a=extmap:(\d+)/gm, (_all, number: string) => `a=extmap:${((Number(number) + 4) % 14) + 1}`);
      }
      await connection.setLocalDescription({ type: 'offer', sdp });
      const response = await fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/sdp' },
        body: connection.localDescription?.sdp ?? sdp,
      });
      const answer = await response.text();
      if (response.status === 201) await connection.setRemoteDescription({ type: 'answer', sdp: answer });
      for (const sender of connection.getSenders()) {
        const parameters = sender.getParameters();
        const idle = parameters.encodings.find(({ rid }) => rid === `layer${options.idle}`);
        if (!idle) continue;
        // Before the connection is up; not in the offer, whose answer would wake it.
        idle.active = false;
        await sender.setParameters(parameters);
      }
      const { headers, status } = response;
      return { status, answer, location: headers.get('location'), etag: headers.get('etag') };
    },
    [kind, url, changes] as const,
  );
}

/** What came of an ICE restart. */
export interface Restarted {
  readonly status: number;
  readonly etag: string | null;
  /** User fragments of the relay in the answer before and in the one after. */
  readonly fragments: readonly (string | undefined)[];
}

/** Runs in the page: begins ICE anew by PATCH for the connection of {@link connectByHttp} (RFC 9725, 4.3.2). */
export function restartIceByHttp(
  page: Page,
  kind: 'whip' | 'whep',
  session: string,
  etag: string | null,
): Promise<Restarted> {
  return page.evaluate(
    async ([role, address, tag]) => {
      const connection = (window as unknown as Record<string, RTCPeerConnection | undefined>)[`${role}Connection`];
      if (!connection) throw new Error('there is no connection');
      const before = connection.remoteDescription?.sdp ?? '';
      connection.restartIce();
      await connection.setLocalDescription();
      const lines = connection.localDescription?.sdp.match(/^a=(?:ice-ufrag|ice-pwd):.*$/gm)?.slice(0, 2) ?? [];
      const response = await fetch(address, {
        method: 'PATCH',
        headers: { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': tag ?? '*' },
        body: `${lines.join('\r\n')}\r\n`,
      });
      const fragment = await response.text();
      let sdp = before;
      for (const name of ['ice-ufrag', 'ice-pwd']) {
        const value = new RegExp(`^a=${name}:(\\S+)`, 'm').exec(fragment)?.[1];
        sdp = sdp.replace(new RegExp(`^a=${name}:.*$`, 'gm'), `a=${name}:${value}`);
      }
      await connection.setRemoteDescription({ type: 'answer', sdp });
      const fragmentOf = (text: string) => /^a=ice-ufrag:(\S+)/m.exec(text)?.[1];
      return {
        status: response.status,
        etag: response.headers.get('etag'),
        fragments: [fragmentOf(before), fragmentOf(sdp)],
      };
    },
    [kind, session, etag] as const,
  );
}

/** The relay's ICE user fragment that media of {@link connectByHttp} flows by now. */
export function fragmentInUse(page: Page, kind: 'whip' | 'whep'): Promise<string | undefined> {
  return page.evaluate(async (role) => {
    const connection = (window as unknown as Record<string, RTCPeerConnection | undefined>)[`${role}Connection`];
    const reports = [...((await connection?.getStats())?.values() ?? [])];
    const transport = reports.find(({ type }) => type === 'transport');
    const pair = reports.find(({ id }) => id === transport?.selectedCandidatePairId);
    return reports.find(({ id }) => id === pair?.remoteCandidateId)?.usernameFragment as string | undefined;
  }, kind);
}

/** What the connection of {@link connectByHttp} has heard: samples, and their energy (0 for silence). */
export function heard(
  page: Page,
): Promise<{ readonly packets: number; readonly samples: number; readonly energy: number }> {
  return page.evaluate(async () => {
    const connection = (window as unknown as { whepConnection: RTCPeerConnection }).whepConnection;
    for (const report of (await connection.getStats()).values()) {
      if (report.type === 'inbound-rtp' && report.kind === 'audio') {
        return {
          packets: report.packetsReceived ?? 0,
          samples: report.totalSamplesReceived ?? 0,
          energy: report.totalAudioEnergy ?? 0,
        };
      }
    }
    return { packets: 0, samples: 0, energy: 0 };
  });
}
