import { IvfReader } from '#src/stream/bridge/ivf.js';
import { RtpWriter } from '#src/stream/rtp/packet.js';
import { packetizeVp8 } from '#src/stream/rtp/vp8.js';
import { ffmpeg } from '../support/ffmpeg.js';

/** Payload type of the tests' streams. */
export const PAYLOAD_TYPE = 101;

/** Coded VP8 frames of a moving picture; the first is a key frame, none of the others is. */
export async function vp8Clip(size: string): Promise<readonly Buffer[]> {
  const stream = await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc=size=${size}:rate=10:duration=6`, '-pix_fmt', 'yuv420p', '-c:v', 'libvpx'],
    ...['-deadline', 'realtime', '-cpu-used', '8', '-auto-alt-ref', '0', '-g', '999', '-b:v', '300k', '-f', 'ivf', '-'],
  );
  return new IvfReader().push(stream).flatMap(({ units }) => units);
}

/** Coded VP9 frames of a moving picture; the first is a key frame. @param colors what they say of their colours */
export async function vp9Clip(size: string, colors = 'bt709'): Promise<readonly Buffer[]> {
  const stream = await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc=size=${size}:rate=10:duration=1`, '-pix_fmt', 'yuv420p', '-c:v', 'libvpx-vp9'],
    ...['-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0', '-auto-alt-ref', '0', '-colorspace', colors],
    ...['-f', 'ivf', '-'],
  );
  return new IvfReader().push(stream).flatMap(({ units }) => units);
}

/** A publisher: sends frames 10 times a second, begins again with a key frame when asked. */
export class TestPublisher {
  readonly #send: (packet: Buffer) => void;
  readonly #writer = new RtpWriter(PAYLOAD_TYPE, 77);
  readonly #timer: NodeJS.Timeout;
  #clip: readonly Buffer[];
  #index = 0;
  #time = 4_294_900_000;
  #loseNext = false;
  #late: Buffer | undefined;
  /** Share of packets that never arrive; some of the others then arrive late. */
  lossShare = 0;
  /** Frames that a bad network brings at the same time. */
  burst = 1;
  #delayed: Buffer[] = [];
  /** Sends nothing, as through a cut cable. */
  silent = false;
  /** Key frames it was asked for. */
  asked = 0;

  constructor(clip: readonly Buffer[], send: (packet: Buffer) => void) {
    this.#clip = clip;
    this.#send = send;
    this.#timer = setInterval(() => this.#frame(), 100);
  }

  /** Goes on with another clip, as when the publisher turns its phone. */
  change(clip: readonly Buffer[]): void {
    this.#clip = clip;
    this.#index = 0;
  }

  /** Loses the first packet of the next frame. */
  lose(): void {
    this.#loseNext = true;
  }

  requestKeyFrame(): void {
    this.asked += 1;
    this.#index = 0;
  }

  #frame(): void {
    const frame = this.#clip[this.#index];
    this.#index = (this.#index + 1) % this.#clip.length;
    this.#time = (this.#time + 9000) >>> 0;
    if (!frame || this.silent) return;
    const payloads = [...packetizeVp8(frame, 600)];
    payloads.forEach((parts, index) => {
      const packet = this.#writer.write(this.#time, index === payloads.length - 1, ...parts);
      if (!this.#loseNext && Math.random() >= this.lossShare) this.#deliver(packet);
      this.#loseNext = false;
    });
  }

  /** On a bad network every tenth packet is overtaken by the next one. */
  #deliver(packet: Buffer): void {
    if (this.lossShare > 0 && !this.#late && Math.random() < 0.1) {
      this.#late = packet;
      return;
    }
    this.#delayed.push(packet);
    if (this.#index % this.burst !== 0) return;
    for (const delayed of this.#delayed.splice(0)) this.#send(delayed);
    if (this.#late) this.#send(this.#late);
    this.#late = undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
