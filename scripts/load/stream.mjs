/** Streams that are sent again and again: a clip, encoded once. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../lib/paths.mjs';
import { run } from '../lib/run.mjs';

export const FRAME_RATE = 15;
const PAYLOAD = 1180;

const dist = (file) => import(pathToFileURL(join(ROOT, 'dist', 'stream', ...file.split('/'))).href);

/**
 * Encodes the example clip.
 *
 * @param {'VP8' | 'H264'} codec
 * @param {string} size as in 320x180
 * @param {number} bitrate in bits a second
 * @returns {Promise<Buffer[][]>} payloads of the packets of each picture
 */
export async function encodeClip(codec, size, bitrate, folder) {
  const { IvfReader, FlvReader } = await dist('bridge/ivf.js');
  const { packetizeVp8 } = await dist('rtp/vp8.js');
  const { packetizeH264 } = await dist('rtp/h264.js');

  const file = join(folder, `${codec}-${size}`);
  const rate = ['-b:v', String(bitrate), '-maxrate', String(bitrate), '-bufsize', String(bitrate)];
  // A key frame every second: nobody here answers those who ask for one.
  const coded =
    codec === 'VP8'
      ? ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-auto-alt-ref', '0', '-f', 'ivf']
      : ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-f', 'flv'];
  await run('ffmpeg', [
    ...['-v', 'error', '-y', '-stream_loop', '-1', '-i', join(ROOT, 'examples', 'clip.mp4'), '-an', '-t', '6'],
    ...['-vf', `scale=${size.replace('x', ':')},fps=${FRAME_RATE},format=yuv420p`, '-g', String(FRAME_RATE)],
    ...rate,
    ...coded,
    file,
  ]);
  const pictures = (codec === 'VP8' ? new IvfReader() : new FlvReader()).push(await readFile(file));
  return pictures.map(({ units }) => {
    const parts = codec === 'VP8' ? packetizeVp8(units[0], PAYLOAD) : packetizeH264(units, PAYLOAD);
    return [...parts].map((payload) => Buffer.concat(payload));
  });
}

/** Sends pictures in real time, until the function that is returned is called. */
export async function sendForever(pictures, payloadType, ssrc, send) {
  const { RtpWriter } = await dist('rtp/packet.js');
  const writer = new RtpWriter(payloadType, ssrc);
  const started = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - started) / 1000) * FRAME_RATE);
    for (; sent < due; sent += 1) {
      const packets = pictures[sent % pictures.length];
      const time = Math.round((sent * 90_000) / FRAME_RATE);
      packets.forEach((payload, index) => {
        send(writer.write(time, index === packets.length - 1, payload));
      });
    }
  }, 10);
  return () => clearInterval(timer);
}
