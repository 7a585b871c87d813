import { setTimeout as sleep } from 'node:timers/promises';
import type { types } from 'mediasoup';
import { log } from '../../shared/log.js';
import { orderLayers } from './layer-order.js';
import { measureLayers } from './layer-sizes.js';

/** How long it is waited at most for the sizes of all layers, in milliseconds. */
const ORDER_MS = 3000;
/** How long it is waited at most until the layers flow again that flowed before, in milliseconds. */
const AGAIN_MS = 1000;
/** The publisher is asked for key frames no more often than this, in milliseconds. */
const KEY_FRAME_MS = 500;

/** What a publisher's picture needs. */
export interface PictureOptions {
  /** The publisher's. */
  readonly transport: types.Transport;
  readonly direct: types.DirectTransport;
  readonly capabilities: types.RtpCapabilities;
  readonly rtpParameters: types.RtpParameters;
  /** Whether the encodings are known to go from the smallest to the largest. */
  readonly sorted: boolean;
  /** There is another {@link PublishedPicture.producer}, or the picture has ended. */
  changed(): void;
}

interface Layer {
  encoding: types.RtpEncodingParameters;
  /** Pixels of a frame; undefined: none came yet. */
  area: number | undefined;
}

/**
 * A publisher's picture. The worker takes the encodings of a simulcast to go from the smallest to the largest, in the
 * order they have when the track is taken. A publisher lists them as it likes, as the order is one of preference
 * (RFC 8853, section 5.2), and need not say how large they are. So they are measured, and where the order was another
 * one, the track is taken again.
 */
export class PublishedPicture {
  /** By this the publisher knows the track, however often it is taken. */
  readonly id: string;
  readonly #options: PictureOptions;
  /** Aborted when there is nothing to wait for any more. */
  readonly #waiting = new AbortController();
  #producer: types.Producer;
  #layers: readonly Layer[];
  #work: Promise<void> = Promise.resolve();
  #settled: boolean;
  #taking = false;
  #closed = false;

  private constructor(options: PictureOptions, producer: types.Producer) {
    this.#options = options;
    this.#producer = producer;
    this.id = producer.id;
    this.#layers = (options.rtpParameters.encodings ?? []).map((encoding) => ({ encoding, area: undefined }));
    this.#settled = options.sorted || this.#layers.length < 2;
    this.#watch(producer);
    if (!this.#settled) this.#then(() => this.#settle());
  }

  /** Takes the track. */
  static async open(options: PictureOptions): Promise<PublishedPicture> {
    return new PublishedPicture(options, await take(options, options.rtpParameters.encodings ?? []));
  }

  /** What is to be consumed; undefined while the order of the layers is not known, and after the end. */
  get producer(): types.Producer | undefined {
    return this.#settled && !this.#closed ? this.#producer : undefined;
  }

  /** Resolves when {@link producer} is there to stay, as far as is known now. */
  get ready(): Promise<void> {
    return this.#work;
  }

  get closed(): boolean {
    return this.#closed;
  }

  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error) => {
      if (!this.#closed) log.warn({ error: String(error) }, 'layers cannot be put in order');
      this.close();
    });
  }

  #watch(producer: types.Producer): void {
    producer.observer.once('close', () => {
      if (!this.#taking) this.close();
    });
  }

  async #settle(): Promise<void> {
    await this.#measure();
    await sleep(ORDER_MS, undefined, { ref: false, signal: this.#waiting.signal }).catch(() => undefined);
    await this.#sort();
    if (this.#closed) return;
    this.#settled = true;
    this.#options.changed();
  }

  /** Measures the layers that are not known yet, whenever they come. */
  async #measure(): Promise<void> {
    const { direct, capabilities } = this.#options;
    const layers = this.#layers;
    const wanted = [...layers.keys()].filter((place) => layers[place]?.area === undefined);
    if (wanted.length === 0) return;
    await measureLayers(direct, this.#producer, capabilities, wanted, (place, { width, height }) => {
      const layer = layers[place];
      if (layer) layer.area = width * height;
      if (layers.every(({ area }) => area !== undefined)) this.#waiting.abort();
      if (this.#settled) this.#then(() => this.#sort());
    });
  }

  async #sort(): Promise<void> {
    while (!this.#closed) {
      const order = orderLayers(this.#layers.map(({ area }) => area));
      if (order.every((place, index) => place === index)) return;
      await this.#takeAgain(order);
    }
  }

  async #takeAgain(order: readonly number[]): Promise<void> {
    const stats = await this.#producer.getStats();
    for (const layer of this.#layers) layer.encoding = asSeen(layer.encoding, stats);
    this.#layers = order.flatMap((place) => this.#layers[place] ?? []);
    this.#taking = true;
    this.#producer.close();
    this.#producer = await take(
      this.#options,
      this.#layers.map(({ encoding }) => encoding),
    );
    this.#taking = false;
    this.#watch(this.#producer);
    if (this.#closed || this.#producer.closed) return this.close();
    log.info({ layers: this.#layers.map(({ encoding, area }) => ({ rid: encoding.rid, area })) }, 'layers in order');
    // Who consumes only then gets the largest at once, and need not be led up to it.
    await flows(this.#producer, stats.length);
    await this.#measure();
    if (this.#settled) this.#options.changed();
  }

  /** Ends the track. Idempotent. */
  close(): void {
    this.#producer.close();
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting.abort();
    this.#options.changed();
  }
}

function take(
  { transport, rtpParameters }: PictureOptions,
  encodings: types.RtpEncodingParameters[],
): Promise<types.Producer> {
  const parameters = { ...rtpParameters, encodings };
  return transport.produce({ kind: 'video', rtpParameters: parameters, keyFrameRequestDelay: KEY_FRAME_MS });
}

/** Waits until so many layers of a track have come. */
async function flows(producer: types.Producer, layers: number): Promise<void> {
  const until = performance.now() + AGAIN_MS;
  while (producer.score.length < layers && !producer.closed && performance.now() < until) await sleep(20);
}

/**
 * An encoding with the numbers that it turned out to have: browsers send the layer's name only until its first packets
 * are acknowledged.
 */
function asSeen(encoding: types.RtpEncodingParameters, stats: types.ProducerStat[]): types.RtpEncodingParameters {
  const stream = stats.find(({ ssrc, rid }) =>
    encoding.rid === undefined ? ssrc === encoding.ssrc : rid === encoding.rid,
  );
  if (!stream) return encoding;
  const { ssrc, rtxSsrc } = stream;
  return { ...encoding, ssrc, ...(rtxSsrc === undefined ? {} : { rtx: { ssrc: rtxSsrc } }) };
}
