import type { PeerConnection, Track } from 'node-datachannel';
import rtc from 'node-datachannel';
import { FlvReader } from '#src/stream/bridge/ivf.js';
import { ffmpeg } from '../support/ffmpeg.js';

/** Numbers that OBS gives its tracks. */
const AUDIO = { mid: '0', payloadType: 111, ssrc: 4000, clockRate: 48_000 };
const VIDEO = { mid: '1', payloadType: 96, ssrc: 4001, clockRate: 90_000 };
const CNAME = 'q3JzN8cZ1mWd0aYt';
/** Most bytes of a packet's payload. */
const FRAGMENT = 1200;
const FPS = 30;
const AUDIO_MS = 20;
/** Twenty milliseconds of silence in stereo (RFC 6716). */
const SILENCE = Buffer.from([0xfc, 0xff, 0xfe]);
const START_CODE = Buffer.from([0, 0, 0, 1]);

/** An answer of the relay. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly sdp: string;
}

/**
 * What OBS Studio encodes with x264 for WHIP: constant bit rate, no B-frames, parameter sets with each key frame; in the
 * high profile, as it is set, whatever the offer says.
 */
export async function encodeLikeObs(size: string): Promise<readonly Buffer[]> {
  const pictures = await unitsLikeObs(size);
  return pictures.map((units) => Buffer.concat(units.flatMap((unit) => [START_CODE, unit])));
}

/** The same as NAL units of each picture. */
export async function unitsLikeObs(size: string): Promise<readonly (readonly Buffer[])[]> {
  const stream = await ffmpeg(
    ...['-stream_loop', '-1', '-i', 'examples/clip.mp4', '-an', '-t', '4', '-vf', `scale=${size.replace('x', ':')}`],
    ...['-r', String(FPS), '-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high'],
    ...['-bf', '0', '-g', String(FPS), '-x264-params', 'repeat-headers=1:nal-hrd=cbr'],
    ...['-b:v', '800k', '-minrate', '800k', '-maxrate', '800k', '-bufsize', '800k', '-f', 'flv', '-'],
  );
  return new FlvReader().push(stream).map(({ units }) => units);
}

/**
 * Publishes as the WHIP output of OBS Studio does: by the same library, libdatachannel, with the same calls in the same
 * order, and the same HTTP requests. OBS itself does not run.
 */
export class ObsClient {
  readonly connection: PeerConnection = new rtc.PeerConnection('obs', { iceServers: [] });
  readonly #audio: Track;
  readonly #video: Track;
  readonly #audioClock = new rtc.RtpPacketizationConfig(AUDIO.ssrc, CNAME, AUDIO.payloadType, AUDIO.clockRate);
  readonly #videoClock = new rtc.RtpPacketizationConfig(VIDEO.ssrc, CNAME, VIDEO.payloadType, VIDEO.clockRate);
  readonly #headers: Record<string, string>;
  #session: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param profile `profile-level-id` of H.264 in the offer; OBS has 42e01f */
  constructor(token: string, profile: string) {
    this.#headers = {
      authorization: `Bearer ${token}`,
      'user-agent': 'Mozilla/5.0 (OBS-Studio/30.0.0; Linux x86_64; en-US)',
    };
    const audio = new rtc.Audio(AUDIO.mid, 'SendOnly');
    audio.addOpusCodec(AUDIO.payloadType);
    audio.addSSRC(AUDIO.ssrc, CNAME, 'obs', 'obs-audio');
    this.#audio = this.connection.addTrack(audio);
    const soundPackets = new rtc.RtpPacketizer(this.#audioClock);
    soundPackets.addToChain(new rtc.RtcpSrReporter(this.#audioClock));
    soundPackets.addToChain(new rtc.RtcpNackResponder());
    this.#audio.setMediaHandler(soundPackets);

    const video = new rtc.Video(VIDEO.mid, 'SendOnly');
    video.addSSRC(VIDEO.ssrc, CNAME, 'obs', 'obs-video');
    const format = `profile-level-id=${profile};packetization-mode=1;level-asymmetry-allowed=1`;
    video.addH264Codec(VIDEO.payloadType, format);
    const picturePackets = new rtc.H264RtpPacketizer('StartSequence', this.#videoClock, FRAGMENT);
    picturePackets.addToChain(new rtc.RtcpSrReporter(this.#videoClock));
    picturePackets.addToChain(new rtc.RtcpNackResponder());
    this.#video = this.connection.addTrack(video);
    this.#video.setMediaHandler(picturePackets);
    this.connection.setLocalDescription();
  }

  /** The offer, as it is sent: candidates and all. */
  get offer(): string {
    return this.connection.localDescription()?.sdp ?? '';
  }

  /** Sends the offer and takes the answer; with it the connection begins. */
  async publish(url: string): Promise<Answer> {
    const headers = { ...this.#headers, 'content-type': 'application/sdp' };
    const response = await fetch(url, { method: 'POST', headers, body: this.offer });
    const sdp = await response.text();
    if (response.status === 201) {
      this.#session = new URL(response.headers.get('location') ?? '', url).href;
      this.connection.setRemoteDescription(sdp, 'answer');
    }
    return { status: response.status, headers: response.headers, sdp };
  }

  /** Sends pictures and sound in real time until {@link ObsClient.close}. */
  send(pictures: readonly Buffer[]): void {
    const started = performance.now();
    let [frames, sounds] = [0, 0];
    this.#timer = setInterval(() => {
      const elapsed = performance.now() - started;
      for (; frames < (elapsed * FPS) / 1000; frames += 1) {
        this.#videoClock.timestamp = Math.round((frames * VIDEO.clockRate) / FPS);
        const picture = pictures[frames % pictures.length];
        if (picture && this.#video.isOpen()) this.#video.sendMessageBinary(picture);
      }
      for (; sounds < elapsed / AUDIO_MS; sounds += 1) {
        this.#audioClock.timestamp = (sounds * AUDIO_MS * AUDIO.clockRate) / 1000;
        if (this.#audio.isOpen()) this.#audio.sendMessageBinary(SILENCE);
      }
    }, 10);
  }

  /** Ends the stream as the button does. @returns status of the DELETE */
  async stop(): Promise<number> {
    this.close();
    const headers = this.#headers;
    return (await fetch(this.#session ?? '', { method: 'DELETE', headers })).status;
  }

  /** Ends all without telling the relay. Idempotent. */
  close(): void {
    clearInterval(this.#timer);
    this.connection.close();
  }
}
