import type { types } from 'mediasoup';
import { OUTPUT_PROFILE } from '../media/codecs.js';
import { packetizeH264 } from '../rtp/h264.js';
import { asksForKeyFrame, RtpWriter } from '../rtp/packet.js';
import { packetizeVp8 } from '../rtp/vp8.js';
import type { OutputCodec } from './encoder-process.js';
import type { CodedPicture } from './ivf.js';

/** Payload bytes of a packet: fits into an Ethernet frame with all that goes around it. */
const PAYLOAD = 1180;

/** Viewers that come, or lose packets, at the same time share a key frame: each costs all of them sharpness at the same rate. */
const KEY_FRAME_MS = 1000;

function randomSsrc(): number {
  return 1 + Math.floor(Math.random() * 0xffff_fffe);
}

function codecOf(router: types.Router, mimeType: string, profile?: string): types.RtpCodecCapability {
  const codec = router.rtpCapabilities.codecs?.find(
    (candidate) =>
      candidate.mimeType.toLowerCase() === mimeType.toLowerCase() &&
      (profile === undefined || candidate.parameters?.['profile-level-id'] === profile),
  );
  if (!codec) throw new Error(`the router has no ${mimeType}`);
  return codec;
}

/** Where upscaled pictures go. */
export interface PictureOutlet {
  /** Whether a viewer waits for a key frame; asked for by whoever can make one now. */
  takeKeyRequest(nowMs: number): boolean;
  /** Sends a picture. @param timestamp ticks of 90 kHz */
  send(picture: CodedPicture, timestamp: number): void;
}

/** The upscaled stream of a room: a producer that stays while decoders, models and encoders come and go. */
export class VideoOutlet implements PictureOutlet {
  readonly producer: types.Producer;
  readonly codec: OutputCodec;
  readonly #writer: RtpWriter;
  #keyWanted = true;
  #lastKeyMs = Number.NEGATIVE_INFINITY;

  private constructor(producer: types.Producer, codec: OutputCodec, writer: RtpWriter) {
    this.producer = producer;
    this.codec = codec;
    this.#writer = writer;
  }

  /** Opens the producer. @param cname ties it to the sound of the same publisher */
  static async open(
    router: types.Router,
    transport: types.DirectTransport,
    codec: OutputCodec,
    cname: string,
  ): Promise<VideoOutlet> {
    const found = codec === 'vp8' ? codecOf(router, 'video/VP8') : codecOf(router, 'video/H264', OUTPUT_PROFILE);
    const ssrc = randomSsrc();
    const payloadType = found.preferredPayloadType ?? 96;
    const producer = await transport.produce({
      kind: 'video',
      rtpParameters: {
        codecs: [
          {
            mimeType: found.mimeType,
            clockRate: 90_000,
            payloadType,
            parameters: found.parameters ?? {},
            rtcpFeedback: [{ type: 'nack', parameter: 'pli' }],
          },
        ],
        encodings: [{ ssrc }],
        rtcp: { cname },
      },
    });
    const outlet = new VideoOutlet(producer, codec, new RtpWriter(payloadType, ssrc));
    const listen = (packet: Buffer) => {
      if (asksForKeyFrame(packet)) outlet.#keyWanted = true;
    };
    transport.on('rtcp', listen);
    producer.observer.once('close', () => transport.off('rtcp', listen));
    return outlet;
  }

  takeKeyRequest(nowMs: number): boolean {
    if (!this.#keyWanted || nowMs - this.#lastKeyMs < KEY_FRAME_MS) return false;
    this.#keyWanted = false;
    this.#lastKeyMs = nowMs;
    return true;
  }

  send(picture: CodedPicture, timestamp: number): void {
    if (this.producer.closed) return;
    const [first] = picture.units;
    if (!first) return;
    const payloads = this.codec === 'vp8' ? packetizeVp8(first, PAYLOAD) : packetizeH264(picture.units, PAYLOAD);
    let previous: readonly Uint8Array[] | undefined;
    for (const payload of payloads) {
      if (previous) this.producer.send(this.#writer.write(timestamp, false, ...previous));
      previous = payload;
    }
    if (previous) this.producer.send(this.#writer.write(timestamp, true, ...previous));
  }
}
