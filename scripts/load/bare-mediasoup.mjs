/**
 * mediasoup alone: one stream, sent to whoever asks, and nothing else. A child process of the load test, which sends
 * `{ bitrate, folder }` first and then the DTLS parameters of one viewer after the other.
 */
import { createWorker } from 'mediasoup';
import { encodeClip, sendForever } from './stream.mjs';

const IP = '127.0.0.1';
const H264 = {
  ...{ kind: 'video', mimeType: 'video/H264', clockRate: 90_000, preferredPayloadType: 96 },
  parameters: { 'packetization-mode': 1, 'level-asymmetry-allowed': 1, 'profile-level-id': '42e01f' },
};

const worker = await createWorker({ logLevel: 'warn' });
const info = { ip: IP, sendBufferSize: 4 << 20, recvBufferSize: 4 << 20 };
const server = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ...info }] });
const router = await worker.createRouter({ mediaCodecs: [H264] });

async function start({ bitrate, folder }) {
  const direct = await router.createDirectTransport();
  const { kind: _, preferredPayloadType: payloadType, ...codec } = H264;
  const producer = await direct.produce({
    kind: 'video',
    rtpParameters: { codecs: [{ ...codec, payloadType, rtcpFeedback: [] }], encodings: [{ ssrc: 1 }] },
  });
  await sendForever(await encodeClip('H264', '1280x720', bitrate, folder), payloadType, 1, (packet) =>
    producer.send(packet),
  );
  return producer;
}

let producer;
process.on('message', async (message) => {
  if (!producer) {
    producer = start(message);
    await producer;
    process.send({});
    return;
  }
  const transport = await router.createWebRtcTransport({ webRtcServer: server, enableTcp: false });
  await transport.connect({ dtlsParameters: message });
  const [codec] = router.rtpCapabilities.codecs;
  const rtcpFeedback = codec.rtcpFeedback.filter(({ type }) => type === 'nack');
  const rtpCapabilities = { codecs: [{ ...codec, rtcpFeedback }], headerExtensions: [] };
  await transport.consume({ producerId: (await producer).id, rtpCapabilities });
  const { port } = transport.iceCandidates[0];
  const { usernameFragment: ufrag, password } = transport.iceParameters;
  process.send({ host: IP, port, ufrag, password });
});
process.on('disconnect', () => process.exit());
