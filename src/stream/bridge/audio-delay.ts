import type { types } from 'mediasoup';
import { parseRtp, RtpWriter } from '../rtp/packet.js';

/** Largest delay, in milliseconds. */
const LONGEST_MS = 2000;
/** How fast the delay follows its target: milliseconds a packet (Opus: 20 ms each). */
const STEP_MS = 2;
/** How often packets that are due are sent, in milliseconds. */
const TICK_MS = 10;

interface Held {
  readonly dueMs: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Buffer;
}

/** Holds packets back for a time that may change slowly; keeps their order. */
export class DelayQueue {
  readonly #held: Held[] = [];
  #delayMs = 0;
  #targetMs = 0;
  #started = false;

  /** The delay now, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** Sets the delay to move to; before the first packet it is taken at once. */
  set target(ms: number) {
    this.#targetMs = Math.min(LONGEST_MS, Math.max(0, ms));
    if (!this.#started) this.#delayMs = this.#targetMs;
  }

  /** Takes a packet. */
  push(packet: Omit<Held, 'dueMs'>, nowMs: number): void {
    this.#started = true;
    const difference = this.#targetMs - this.#delayMs;
    this.#delayMs += Math.sign(difference) * Math.min(STEP_MS, Math.abs(difference));
    this.#held.push({ ...packet, dueMs: nowMs + this.#delayMs });
  }

  /** Takes out what is due. */
  due(nowMs: number): readonly Held[] {
    let count = 0;
    while (count < this.#held.length && (this.#held[count]?.dueMs ?? 0) <= nowMs) count += 1;
    return this.#held.splice(0, count);
  }
}

/** The publisher's sound, as late as the upscaled picture. */
export class AudioDelay {
  readonly producer: types.Producer;
  readonly #consumer: types.Consumer;
  readonly #queue = new DelayQueue();
  readonly #timer: NodeJS.Timeout;

  private constructor(producer: types.Producer, consumer: types.Consumer, writer: RtpWriter, payloadType: number) {
    this.producer = producer;
    this.#consumer = consumer;
    consumer.on('rtp', (data) => {
      const packet = parseRtp(data);
      if (packet?.payloadType === payloadType && packet.payload.length > 0) this.#queue.push(packet, performance.now());
    });
    this.#timer = setInterval(() => {
      for (const { timestamp, marker, payload } of this.#queue.due(performance.now())) {
        if (!producer.closed) producer.send(writer.write(timestamp, marker, payload));
      }
    }, TICK_MS);
    this.#timer.unref();
  }

  /** Opens it on the sound of a publisher. @param cname ties it to the upscaled picture */
  static async open(
    router: types.Router,
    transport: types.DirectTransport,
    source: types.Producer,
    cname: string,
  ): Promise<AudioDelay> {
    const consumer = await transport.consume({
      producerId: source.id,
      rtpCapabilities: router.rtpCapabilities,
      paused: true,
    });
    const [codec] = consumer.rtpParameters.codecs;
    if (!codec) throw new Error('the sound has no codec');
    const ssrc = 1 + Math.floor(Math.random() * 0xffff_fffe);
    const producer = await transport.produce({
      kind: 'audio',
      rtpParameters: {
        codecs: [{ ...codec, rtcpFeedback: [] }],
        encodings: [{ ssrc }],
        rtcp: { cname },
      },
    });
    const writer = new RtpWriter(codec.payloadType, ssrc);
    const delay = new AudioDelay(producer, consumer, writer, codec.payloadType);
    try {
      await consumer.resume();
    } catch (error) {
      delay.close();
      throw error;
    }
    return delay;
  }

  /** Delay to move to, in milliseconds. */
  set target(ms: number) {
    this.#queue.target = ms;
  }

  /** Delay now, in milliseconds. */
  get delayMs(): number {
    return this.#queue.delayMs;
  }

  /** Ends it. Idempotent. */
  close(): void {
    clearInterval(this.#timer);
    this.#consumer.close();
    this.producer.close();
  }
}
