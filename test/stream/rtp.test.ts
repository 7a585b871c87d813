import { describe, expect, it } from 'vitest';
import type { AccessUnit } from '#src/stream/rtp/access-unit.js';
import { Assembler, type InputCodec } from '#src/stream/rtp/assembler.js';
import { packetizeH264 } from '#src/stream/rtp/h264.js';
import { asksForKeyFrame, parseRtp, RtpWriter } from '#src/stream/rtp/packet.js';
import { ReorderBuffer } from '#src/stream/rtp/reorder.js';
import { spsSize } from '#src/stream/rtp/sps.js';
import { packetizeVp8 } from '#src/stream/rtp/vp8.js';
import { readVp9Head } from '#src/stream/rtp/vp9.js';
import { vp9Clip } from './source.js';

const PAYLOAD_TYPE = 101;

function vp8Frame(key: boolean, bytes: number): Buffer {
  const frame = Buffer.alloc(bytes, 7);
  frame.writeUInt8(key ? 0x10 : 0x11, 0);
  if (key) {
    Buffer.from([0x9d, 0x01, 0x2a]).copy(frame, 3);
    frame.writeUInt16LE(320, 6);
    frame.writeUInt16LE(180, 8);
  }
  return frame;
}

function packets(writer: RtpWriter, payloads: Iterable<readonly Uint8Array[]>, timestamp: number): Buffer[] {
  const all = [...payloads];
  return all.map((parts, index) => writer.write(timestamp, index === all.length - 1, ...parts));
}

function collect(codec: InputCodec) {
  const pictures: AccessUnit[] = [];
  const lost: number[] = [];
  const assembler = new Assembler(codec, PAYLOAD_TYPE, {
    picture: (unit) => pictures.push(unit),
    lost: (count) => lost.push(count),
  });
  return { assembler, pictures, lost };
}

describe('RTP packets', () => {
  it('reads what it wrote, with extensions and padding left out', () => {
    const packet = new RtpWriter(PAYLOAD_TYPE, 0xfffffff0).write(0xffffffff, true, Buffer.from('abc'));
    expect(parseRtp(packet)).toMatchObject({ timestamp: 0xffffffff, marker: true, payloadType: PAYLOAD_TYPE });
    const extended = Buffer.concat([
      Buffer.from([0xb0, 0x65, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2]),
      Buffer.from([0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0]),
      Buffer.from('abc'),
      Buffer.from([0, 2]),
    ]);
    expect(parseRtp(extended)?.payload.toString()).toBe('abc');
  });

  it.each([0, 1, 11])('refuses %i bytes', (length) => {
    expect(parseRtp(Buffer.alloc(length, 0x80))).toBeUndefined();
  });

  it('refuses lengths that reach beyond the packet', () => {
    expect(parseRtp(Buffer.from([0x90, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]))).toBeUndefined();
    expect(parseRtp(Buffer.from([0xa0, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200]))).toBeUndefined();
  });

  it('finds a request for a key frame in compound RTCP', () => {
    const report = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 1]);
    const pli = Buffer.from([0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    expect(asksForKeyFrame(Buffer.concat([report, pli]))).toBe(true);
    expect(asksForKeyFrame(report)).toBe(false);
    expect(asksForKeyFrame(Buffer.from([0x81]))).toBe(false);
  });
});

describe('reordering', () => {
  const packet = (sequence: number) => ({
    sequence: sequence & 0xffff,
    timestamp: 0,
    marker: false,
    payloadType: 96,
    payload: Buffer.of(1),
  });
  const numbers = (items: ReturnType<ReorderBuffer['push']>) =>
    items.map((item) => ('lost' in item ? `lost ${item.lost}` : item.packet.sequence));

  it('puts late packets in their place, over the end of the numbers too', () => {
    const buffer = new ReorderBuffer(100);
    expect(numbers(buffer.push(packet(65_534), 0))).toEqual([65_534]);
    expect(numbers(buffer.push(packet(65_536), 1))).toEqual([]);
    expect(numbers(buffer.push(packet(65_535), 2))).toEqual([65_535, 0]);
    expect(numbers(buffer.push(packet(65_535), 3))).toEqual([]);
  });

  it('gives up a hole after the wait, and says how many are lost', () => {
    const buffer = new ReorderBuffer(100);
    buffer.push(packet(10), 0);
    expect(numbers(buffer.push(packet(13), 1))).toEqual([]);
    expect(numbers(buffer.expire(100))).toEqual([]);
    expect(numbers(buffer.expire(101))).toEqual(['lost 2', 13]);
  });

  it('waits longer for the next packet after one that came back too late, and less again when they come sooner', () => {
    const buffer = new ReorderBuffer(100, 400);
    buffer.push(packet(10), 0);
    buffer.push(packet(12), 10);
    expect(numbers(buffer.expire(110))).toEqual(['lost 1', 12]);
    // A round trip of 180 ms, as long as it takes to ask and be given.
    expect(numbers(buffer.push(packet(11), 190))).toEqual([]);
    expect(buffer.waitMs).toBe(245);
    buffer.push(packet(14), 200);
    expect(numbers(buffer.expire(380))).toEqual([]);
    expect(numbers(buffer.push(packet(13), 381))).toEqual([13, 14]);

    for (let sequence = 16, now = 1000; sequence < 80; sequence += 2, now += 50) {
      buffer.push(packet(sequence), now);
      buffer.push(packet(sequence - 1), now + 5);
    }
    expect(buffer.waitMs).toBeLessThan(110);
  });

  it('never waits longer than it may, and takes numbers that come again for what they are', () => {
    const buffer = new ReorderBuffer(100, 400);
    buffer.push(packet(10), 0);
    buffer.push(packet(12), 0);
    buffer.expire(100);
    buffer.push(packet(11), 60_000);
    expect(buffer.waitMs).toBe(100);
    buffer.push(packet(14), 60_000);
    buffer.expire(60_100);
    buffer.push(packet(13), 62_000);
    expect(buffer.waitMs).toBe(400);
  });

  it('follows a sender that jumps', () => {
    const buffer = new ReorderBuffer(100);
    buffer.push(packet(10), 0);
    expect(numbers(buffer.push(packet(5000), 1))).toEqual(['lost 1', 5000]);
    expect(numbers(buffer.push(packet(5001), 2))).toEqual([5001]);
  });
});

describe('pictures from packets', () => {
  it('puts VP8 frames together again and knows key frames and their size', () => {
    const { assembler, pictures } = collect('vp8');
    const writer = new RtpWriter(PAYLOAD_TYPE, 1);
    const [key, delta] = [vp8Frame(true, 3000), vp8Frame(false, 500)];
    const all = [...packets(writer, packetizeVp8(key, 1000), 0), ...packets(writer, packetizeVp8(delta, 1000), 3000)];
    for (const packet of all) assembler.push(packet, 5);
    expect(pictures.map(({ data }) => data)).toEqual([key, delta]);
    expect(pictures[0]).toMatchObject({ key: true, size: { width: 320, height: 180 }, timestamp: 0, arrivalMs: 5 });
    expect(pictures[1]).toMatchObject({ key: false, size: undefined, timestamp: 3000 });
  });

  it('gives nothing between a loss and the next key frame, and says so once', () => {
    const { assembler, pictures, lost } = collect('vp8');
    const writer = new RtpWriter(PAYLOAD_TYPE, 1);
    const frames = [true, false, false, true, false].map((key) => vp8Frame(key, 2500));
    const sent = frames.map((frame, index) => packets(writer, packetizeVp8(frame, 1000), index * 3000));
    sent[1]?.splice(1, 1);
    for (const packet of sent.flat()) assembler.push(packet, 0);
    assembler.expire(1000);
    expect(pictures.map(({ timestamp }) => timestamp)).toEqual([0, 9000, 12_000]);
    expect(lost).toEqual([1]);
    expect(assembler.needsKey).toBe(false);
  });

  it('leaves out padding and packets of other payload types', () => {
    const { assembler, pictures } = collect('vp8');
    const writer = new RtpWriter(PAYLOAD_TYPE, 1);
    assembler.push(new RtpWriter(99, 2).write(0, true, Buffer.from('retransmission')), 0);
    for (const packet of packets(writer, packetizeVp8(vp8Frame(true, 100), 1000), 0)) assembler.push(packet, 0);
    assembler.push(writer.write(0, false), 0);
    for (const packet of packets(writer, packetizeVp8(vp8Frame(false, 100), 1000), 3000)) assembler.push(packet, 0);
    expect(pictures).toHaveLength(2);
  });

  it('puts H.264 fragments together and gives each key frame its parameter sets', () => {
    const { assembler, pictures } = collect('h264');
    const writer = new RtpWriter(PAYLOAD_TYPE, 1);
    // 320x180, constrained baseline, written by x264.
    const sps = Buffer.from('6742c00cda05067e7c0440000003004000000 7a3c50aa8'.replace(' ', ''), 'hex');
    const pps = Buffer.from('68ce0fc8', 'hex');
    const idr = Buffer.alloc(4000, 0x83);
    idr.writeUInt8(0x65, 0);
    const slice = Buffer.from('419a2019', 'hex');
    for (const packet of packets(writer, packetizeH264([sps, pps, idr], 1000), 0)) assembler.push(packet, 0);
    for (const packet of packets(writer, packetizeH264([slice], 1000), 3000)) assembler.push(packet, 0);
    for (const packet of packets(writer, packetizeH264([idr], 1000), 6000)) assembler.push(packet, 0);
    expect(pictures.map(({ key }) => key)).toEqual([true, false, true]);
    expect(pictures[0]?.size).toEqual({ width: 320, height: 180 });
    const start = Buffer.from([0, 0, 0, 1]);
    expect(pictures[2]?.data).toEqual(Buffer.concat([start, sps, start, pps, start, idr]));
  });

  it.each([
    ['without anything', [], []],
    ['with a picture id of 15 bits', [0x80, 0x81, 0x02], [0x80, 0x81, 0x02]],
    ['with layers', [0xa0, 0x05, 0x00, 0x07], [0xe0, 0x06, 0x20, 0x08]],
    ['with references', [0x90, 0x05], [0xd0, 0x06, 0x03, 0x04]],
    ['with a structure', [0x82, 0x05, 0x18, 0x01, 0x40, 0x00, 0xb4, 0x01, 0x04, 0x01], [0x80, 0x06]],
  ])('puts VP9 frames together again, %s in the descriptor', async (_name, first, further) => {
    const [key, delta] = (await vp9Clip('96x64')).slice(0, 2) as [Buffer, Buffer];
    const { assembler, pictures } = collect('vp9');
    const writer = new RtpWriter(PAYLOAD_TYPE, 1);
    const descriptor = ([flags = 0, ...rest]: readonly number[], starts: boolean, ends: boolean) =>
      Buffer.of(flags | (starts ? 0x08 : 0) | (ends ? 0x04 : 0), ...rest);
    for (const [frame, bytes, time] of [
      [key, first, 0],
      [delta, further, 3000],
    ] as const) {
      const half = frame.length >> 1;
      assembler.push(writer.write(time, false, descriptor(bytes, true, false), frame.subarray(0, half)), 5);
      assembler.push(writer.write(time, true, descriptor(bytes, false, true), frame.subarray(half)), 6);
    }
    expect(pictures.map(({ data }) => data)).toEqual([key, delta]);
    expect(pictures.map(({ key: isKey }) => isKey)).toEqual([true, false]);
    expect(pictures[0]?.size).toEqual({ width: 96, height: 64 });
  });

  it('says of VP9 that says nothing of its colours what browsers take it for', async () => {
    const given = async (colors: string) => {
      const { assembler, pictures } = collect('vp9');
      const [key = Buffer.alloc(0)] = await vp9Clip('96x64', colors);
      assembler.push(new RtpWriter(PAYLOAD_TYPE, 1).write(0, true, Buffer.of(0x0c), key), 0);
      return { key, data: pictures[0]?.data };
    };
    const [unknown, bt601] = [await given('unknown'), await given('smpte170m')];
    const [said] = await vp9Clip('96x64', 'bt709');
    expect(unknown.data).not.toEqual(unknown.key);
    expect(unknown.data).toEqual(said);
    expect(bt601.data).toEqual(bt601.key);
  });

  it('takes the smallest spatial layer of VP9, and no frame without its end', async () => {
    const [key] = await vp9Clip('96x64');
    const { assembler, pictures } = collect('vp9');
    const writer = new RtpWriter(PAYLOAD_TYPE, 1);
    const frame = key ?? Buffer.alloc(0);
    assembler.push(writer.write(0, false, Buffer.of(0xac, 0x05, 0x00, 0x07), frame), 0);
    assembler.push(writer.write(0, true, Buffer.of(0xac, 0x05, 0x02, 0x07), Buffer.from('larger layer')), 0);
    expect(pictures.map(({ data }) => data)).toEqual([frame]);
    assembler.push(writer.write(3000, true, Buffer.of(0x08), frame), 0);
    assembler.push(writer.write(6000, true, Buffer.of(0x0c), frame), 0);
    expect(pictures.map(({ timestamp }) => timestamp)).toEqual([0, 6000]);
    assembler.push(writer.write(9000, true, Buffer.of(0x9e, 0x05, 0xff)), 0);
    expect(pictures).toHaveLength(2);
    expect(readVp9Head(Buffer.from('nonsense'))).toBeUndefined();
  });

  it('takes the rest of an H.264 picture whose first slice is lost for no picture', () => {
    const { assembler, pictures } = collect('h264');
    const writer = new RtpWriter(PAYLOAD_TYPE, 1);
    const sps = Buffer.from('6742c00cda05067e7c04400000030040000007a3c50aa8', 'hex');
    const pps = Buffer.from('68ce0fc8', 'hex');
    // First macroblocks 0 and 4 of the two slices: codes 1 and 00101.
    const [first, second] = [Buffer.from('658884', 'hex'), Buffer.from('652884', 'hex')];
    const whole = packets(writer, packetizeH264([sps, pps, first, second], 1000), 0);
    const torn = packets(writer, packetizeH264([sps, pps, first, second], 1000), 3000).slice(3);
    const last = packets(writer, packetizeH264([sps, pps, first, second], 1000), 6000);
    for (const packet of [...whole, ...torn]) assembler.push(packet, 0);
    assembler.expire(1000);
    expect(pictures.map(({ timestamp }) => timestamp)).toEqual([0]);
    expect(assembler.needsKey).toBe(true);
    for (const packet of last) assembler.push(packet, 1000);
    expect(pictures.map(({ timestamp }) => timestamp)).toEqual([0, 6000]);
  });

  it.each([
    ['a parameter set of megabytes', [Buffer.concat([Buffer.from('6742c00c', 'hex'), Buffer.alloc(2 << 20, 0x55)])]],
    ['a picture of countless units', Array<Buffer>(200_000).fill(Buffer.of(0x06))],
  ])('leaves %s out, at no cost', (_name, units) => {
    const { assembler, pictures } = collect('h264');
    const writer = new RtpWriter(PAYLOAD_TYPE, 1);
    const sps = Buffer.from('6742c00cda05067e7c04400000030040000007a3c50aa8', 'hex');
    const whole = [sps, Buffer.from('68ce0fc8', 'hex'), Buffer.from('658884', 'hex')];
    for (const packet of packets(writer, packetizeH264([...units, ...whole], 1000), 0)) assembler.push(packet, 0);
    expect(pictures).toEqual([]);
    for (const packet of packets(writer, packetizeH264(whole, 1000), 3000)) assembler.push(packet, 0);
    expect(pictures.map(({ timestamp, size }) => ({ timestamp, size }))).toEqual([
      { timestamp: 3000, size: { width: 320, height: 180 } },
    ]);
  });

  it('takes a VP9 key frame that is cut off for none, also when a loss released it', () => {
    const { assembler, pictures, lost } = collect('vp9');
    const head = Buffer.from([0x82, 0x49, 0x83, 0x42, 0x40, 0x05, 0xf0, 0x03, 0xf0]);
    for (let length = 1; length <= head.length; length += 1) {
      const writer = new RtpWriter(PAYLOAD_TYPE, length * 100);
      assembler.push(writer.write(length * 3000, true, Buffer.of(0x0c), head.subarray(0, length)), length);
      writer.write(0, false);
      assembler.push(writer.write(length * 3000 + 1, true, Buffer.of(0x0c), head.subarray(0, length)), length);
      assembler.expire(length + 1000);
    }
    expect(pictures.filter(({ data }) => data.length < head.length)).toEqual([]);
    expect(lost.length).toBeGreaterThan(0);
  });

  it.each(['vp8', 'vp9', 'h264'] as const)('survives any bytes as %s', (codec) => {
    const { assembler } = collect(codec);
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed % below;
    };
    for (let i = 0; i < 5000; i += 1) {
      const payload = Buffer.from(Array.from({ length: random(24) }, () => random(256)));
      const writer = new RtpWriter(PAYLOAD_TYPE, i + (random(5) === 0 ? 1 : 0));
      assembler.push(writer.write(3000 * (i >> random(2)), random(2) === 0, payload), i);
      assembler.expire(i + random(300));
    }
    expect(typeof assembler.needsKey).toBe('boolean');
  });

  it.each(['vp8', 'h264'] as const)('keeps no %s picture that never ends', (codec) => {
    const { assembler, pictures } = collect(codec);
    const writer = new RtpWriter(PAYLOAD_TYPE, 1);
    const part = Buffer.alloc(1200, 1);
    const first = codec === 'vp8' ? Buffer.of(0x10) : Buffer.of(0x7c, 0x85);
    const further = codec === 'vp8' ? Buffer.of(0x00) : Buffer.of(0x7c, 0x05);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 50_000; i += 1) assembler.push(writer.write(0, false, i === 0 ? first : further, part), i);
    // 60 MB came in.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40e6);
    assembler.push(writer.write(0, true, further, part), 50_000);
    expect(pictures).toEqual([]);
    const intact = vp8Frame(true, 100);
    if (codec === 'vp8') {
      for (const packet of packets(writer, packetizeVp8(intact, 1000), 3000)) assembler.push(packet, 50_001);
      expect(pictures.map(({ data }) => data)).toEqual([intact]);
    }
  });

  it('reads sizes only from parameter sets that make sense', () => {
    expect(spsSize(Buffer.from('67', 'hex'))).toBeUndefined();
    expect(spsSize(Buffer.alloc(40, 0))).toBeUndefined();
  });
});
