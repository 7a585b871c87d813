import type { types } from 'mediasoup';
import type { PictureSize } from '../rtp/access-unit.js';
import { Assembler, inputCodecOf } from '../rtp/assembler.js';
import { withoutEstimates } from './tap.js';

/**
 * Reads from key frames how large the layers of a simulcast are. Packets come into this process only while there is a
 * layer that flows and is not known yet; it ends with the producer, or when all are known.
 *
 * @param wanted places of the layers that are to be measured
 * @param measured called once for each of them, when it has come
 */
export async function measureLayers(
  transport: types.DirectTransport,
  producer: types.Producer,
  capabilities: types.RtpCapabilities,
  wanted: readonly number[],
  measured: (place: number, size: PictureSize) => void,
): Promise<void> {
  // Such a consumer gets all layers, each as a stream of its own.
  const all = await transport.consume({
    producerId: producer.id,
    rtpCapabilities: withoutEstimates(capabilities),
    paused: true,
    pipe: true,
  });
  const { codecs, encodings = [] } = all.rtpParameters;
  const [codec] = codecs;
  const input = inputCodecOf(codec?.mimeType);
  if (!codec || !input) {
    all.close();
    return;
  }
  const open = new Map<number, Assembler>();
  let flows = false;
  const follow = () => {
    const comes = producer.score.some(({ encodingIdx }) => open.has(encodings[encodingIdx]?.ssrc ?? 0));
    if (open.size === 0) all.close();
    if (all.closed || comes === flows) return;
    flows = comes;
    // Asks for key frames of all layers when it begins.
    void (comes ? all.resume() : all.pause()).catch(() => undefined);
  };
  for (const place of wanted) {
    const ssrc = encodings[place]?.ssrc ?? 0;
    const assembler = new Assembler(input, codec.payloadType, {
      picture: ({ size }) => {
        if (!size) return;
        open.delete(ssrc);
        measured(place, size);
        follow();
      },
      lost: () => void all.requestKeyFrame().catch(() => undefined),
    });
    open.set(ssrc, assembler);
  }
  // Bytes 8 to 11 of a packet say whose it is (RFC 3550, section 5.1).
  all.on('rtp', (packet) => open.get(packet.readUInt32BE(8))?.push(packet, performance.now()));
  producer.on('score', follow);
  all.observer.once('close', () => producer.off('score', follow));
  follow();
}
