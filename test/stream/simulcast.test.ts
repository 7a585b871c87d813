import { createWorker, type types } from 'mediasoup';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROOM_CODECS } from '#src/stream/media/codecs.js';
import { openTap } from '#src/stream/room/tap.js';
import { Assembler } from '#src/stream/rtp/assembler.js';
import { asksForKeyFrame } from '#src/stream/rtp/packet.js';
import { Layer } from './layer.js';
import { PAYLOAD_TYPE } from './source.js';

const PATIENCE = { timeout: 60_000, interval: 100 };

/** The largest needs more than the 600 kbit/s that mediasoup takes for granted without an estimate. */
const FORMATS = [
  { ssrc: 11, width: 160, height: 90, bitrate: 150_000 },
  { ssrc: 12, width: 320, height: 180, bitrate: 500_000 },
  { ssrc: 13, width: 640, height: 360, bitrate: 2_000_000 },
] as const;

describe('the bridge and a simulcast', { timeout: 300_000 }, () => {
  let worker: types.Worker;
  let router: types.Router;
  let layers: readonly Layer[];
  /** Width of the picture that the bridge is given. */
  let width: number | undefined;

  beforeAll(async () => {
    worker = await createWorker({ logLevel: 'none' });
  });
  afterAll(() => worker?.close());

  beforeEach(async () => {
    width = undefined;
    router = await worker.createRouter({ mediaCodecs: [...ROOM_CODECS] });
    const [sending, receiving] = [await router.createDirectTransport(), await router.createDirectTransport()];
    const producer = await sending.produce({
      kind: 'video',
      rtpParameters: {
        codecs: [
          {
            mimeType: 'video/VP8',
            payloadType: PAYLOAD_TYPE,
            clockRate: 90_000,
            rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'transport-cc' }],
          },
        ],
        encodings: FORMATS.map(({ ssrc }) => ({ ssrc })),
        rtcp: { cname: 'layers' },
      },
      keyFrameRequestDelay: 500,
    });
    layers = FORMATS.map(
      (format) =>
        new Layer(
          format,
          (packet) => producer.send(packet),
          (report) => sending.sendRtcp(report),
        ),
    );
    sending.on('rtcp', (packet) => {
      if (!asksForKeyFrame(packet)) return;
      layers.find(({ format }) => format.ssrc === packet.readUInt32BE(8))?.askForKey();
    });
    const tap = await openTap(receiving, producer, router.rtpCapabilities);
    const assembler = new Assembler('vp8', tap.rtpParameters.codecs[0]?.payloadType ?? 0, {
      picture: ({ size }) => {
        width = size?.width ?? width;
      },
      lost: () => void tap.requestKeyFrame(),
    });
    tap.on('rtp', (packet) => assembler.push(packet, performance.now()));
    await tap.resume();
  });
  afterEach(() => {
    for (const layer of layers) layer.stop();
    router.close();
  });

  const silence = (...silent: readonly boolean[]) =>
    layers.forEach((layer, index) => {
      layer.silent = silent[index] ?? false;
    });
  const shows = (wanted: number) => expect.poll(() => width, PATIENCE).toBe(wanted);

  it('takes the largest layer, the next one when it stops, and the largest again whenever it comes back', async () => {
    await shows(640);
    for (let round = 0; round < 3; round += 1) {
      silence(false, false, true);
      await shows(320);
      silence(false, true, true);
      await shows(160);
      silence(false, false, false);
      await shows(640);
    }
  });

  it('takes the largest layer when it comes long after the others', async () => {
    silence(false, true, true);
    await shows(160);
    silence(false, false, true);
    await shows(320);
    silence(false, false, false);
    await shows(640);
  });

  it('takes it even when wishes for its key frame are lost again and again', async () => {
    await shows(640);
    silence(false, false, true);
    await shows(320);
    for (const layer of layers.slice(2)) layer.deafTo = 6;
    silence(false, false, false);
    await shows(640);
    expect(layers[2]?.deafTo).toBe(0);
  });
});
