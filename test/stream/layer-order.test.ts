import { createWorker, type types } from 'mediasoup';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROOM_CODECS } from '#src/stream/media/codecs.js';
import { orderLayers } from '#src/stream/room/layer-order.js';
import { PublishedPicture } from '#src/stream/room/picture.js';
import { openTap } from '#src/stream/room/tap.js';
import { Assembler } from '#src/stream/rtp/assembler.js';
import { asksForKeyFrame } from '#src/stream/rtp/packet.js';
import { Layer } from './layer.js';
import { PAYLOAD_TYPE } from './source.js';

const PATIENCE = { timeout: 60_000, interval: 100 };

describe('the order of layers', () => {
  it.each([
    ['a right one stays', [1, 2, 3], [0, 1, 2]],
    ['the other way round', [3, 2, 1], [2, 1, 0]],
    ['neither', [2, 3, 1], [2, 0, 1]],
    ['equal ones stay', [2, 2], [0, 1]],
    ['one that is unknown goes down with the others', [undefined, 2, 1], [2, 1, 0]],
    ['one that is unknown stays where it is', [1, undefined, 3], [0, 1, 2]],
    ['of one alone nothing follows', [undefined, undefined, 1], [0, 1, 2]],
  ])('%s', (_name, areas, order) => {
    expect(orderLayers(areas)).toEqual(order);
  });
});

const SMALL = { ssrc: 11, width: 160, height: 90, bitrate: 150_000 };
const MIDDLE = { ssrc: 12, width: 320, height: 180, bitrate: 400_000 };
const LARGE = { ssrc: 13, width: 640, height: 360, bitrate: 1_000_000 };

describe('a simulcast of which nobody says how large its layers are', { timeout: 300_000 }, () => {
  let worker: types.Worker;
  let router: types.Router;
  let sending: types.DirectTransport;
  let layers: readonly Layer[] = [];
  /** What stood for the track, one after the other. */
  let taken: types.Producer[];
  let changes: number;

  beforeAll(async () => {
    worker = await createWorker({ logLevel: 'none' });
  });
  afterAll(() => worker?.close());
  beforeEach(async () => {
    [taken, changes] = [[], 0];
    router = await worker.createRouter({ mediaCodecs: [...ROOM_CODECS] });
    sending = await router.createDirectTransport();
    sending.observer.on('newproducer', (producer) => taken.push(producer));
    sending.on('rtcp', (packet) => {
      if (asksForKeyFrame(packet)) layers.find(({ format }) => format.ssrc === packet.readUInt32BE(8))?.askForKey();
    });
  });
  afterEach(() => {
    for (const layer of layers) layer.stop();
    router.close();
  });

  async function publish(formats: readonly (typeof SMALL)[], silent: readonly (typeof SMALL)[] = []) {
    layers = formats.map((format) => {
      const layer = new Layer(
        format,
        (packet) => taken.at(-1)?.send(packet),
        (report) => sending.sendRtcp(report),
      );
      layer.silent = silent.includes(format);
      return layer;
    });
    const picture: PublishedPicture = await PublishedPicture.open({
      transport: sending,
      direct: await router.createDirectTransport(),
      capabilities: router.rtpCapabilities,
      rtpParameters: {
        codecs: [
          {
            mimeType: 'video/VP8',
            payloadType: PAYLOAD_TYPE,
            clockRate: 90_000,
            rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
          },
        ],
        encodings: formats.map(({ ssrc }) => ({ ssrc })),
        rtcp: { cname: 'layers' },
      },
      sorted: false,
      changed: () => {
        changes += 1;
      },
    });
    return picture;
  }

  /** Shows a producer's picture. */
  async function show(producer: types.Producer | undefined) {
    if (!producer) throw new Error('there is nothing to be shown');
    const shown = { width: 0 };
    const consumer = await openTap(await router.createDirectTransport(), producer, router.rtpCapabilities);
    const assembler = new Assembler('vp8', consumer.rtpParameters.codecs[0]?.payloadType ?? 0, {
      picture: ({ size }) => {
        shown.width = size?.width ?? shown.width;
      },
      lost: () => void consumer.requestKeyFrame(),
    });
    consumer.on('rtp', (packet) => assembler.push(packet, performance.now()));
    await consumer.resume();
    return { consumer, shown };
  }

  it('begins with the largest: it is taken again in the right order before anybody sees it', async () => {
    const picture = await publish([LARGE, MIDDLE, SMALL]);
    expect(picture.producer).toBeUndefined();
    await picture.ready;
    expect(picture.producer).toBe(taken[1]);
    expect(taken).toHaveLength(2);
    expect(taken[1]?.rtpParameters.encodings?.map(({ ssrc }) => ssrc)).toEqual(
      [SMALL, MIDDLE, LARGE].map((l) => l.ssrc),
    );
    expect([changes, picture.id]).toEqual([1, taken[0]?.id]);
    // All of it flows: who comes now need not be led up from the smallest.
    expect(picture.producer?.score).toHaveLength(3);
    const { shown } = await show(picture.producer);
    await expect.poll(() => shown.width, PATIENCE).toBe(640);
    // What a viewer with a bad network would come to.
    const poor = await router.createDirectTransport();
    const producerId = picture.producer?.id ?? '';
    const consumer = await poor.consume({
      producerId,
      rtpCapabilities: router.rtpCapabilities,
      preferredLayers: { spatialLayer: 0 },
    });
    await expect.poll(() => consumer.currentLayers?.spatialLayer, PATIENCE).toBe(0);
    picture.close();
    expect([changes, picture.producer, taken[1]?.closed]).toEqual([2, undefined, true]);
  });

  it('begins with the smallest: it stays', async () => {
    const picture = await publish([SMALL, LARGE]);
    await picture.ready;
    expect([picture.producer, taken.length, changes]).toEqual([taken[0], 1, 1]);
    const { shown } = await show(picture.producer);
    await expect.poll(() => shown.width, PATIENCE).toBe(640);
  });

  it('has a largest one that comes late: viewers get it when it comes', async () => {
    const picture = await publish([LARGE, SMALL], [LARGE]);
    await picture.ready;
    expect(picture.producer).toBe(taken[0]);
    const early = await show(picture.producer);
    await expect.poll(() => early.shown.width, PATIENCE).toBe(160);
    const [large] = layers;
    if (large) large.silent = false;
    await expect.poll(() => early.consumer.closed, PATIENCE).toBe(true);
    await picture.ready;
    expect([picture.producer, taken.length, changes]).toEqual([taken[1], 2, 2]);
    const late = await show(picture.producer);
    await expect.poll(() => late.shown.width, PATIENCE).toBe(640);
  });

  it('ends with its publisher while it is being measured', async () => {
    const picture = await publish([LARGE, SMALL], [LARGE, SMALL]);
    sending.close();
    await picture.ready;
    expect([picture.closed, picture.producer, changes]).toEqual([true, undefined, 1]);
  });
});
