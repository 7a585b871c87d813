import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { resolveModel } from '#src/infer/resolve-model.js';
import type { Model, Upscaler, UpscalerOptions } from '#src/infer/types.js';
import { createUpscaler } from '#src/infer/upscaler.js';
import { Bridge } from '#src/stream/bridge/bridge.js';
import { type CodedPicture, ivfFrameHeader, ivfHeader } from '#src/stream/bridge/ivf.js';
import { STAGES } from '#src/stream/bridge/pipeline.js';
import { resolveOptions } from '#src/stream/options.js';
import { RtpWriter } from '#src/stream/rtp/packet.js';
import { spsSize } from '#src/stream/rtp/sps.js';
import { packetizeVp8 } from '#src/stream/rtp/vp8.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { PAYLOAD_TYPE, TestPublisher, vp8Clip } from './source.js';

/** A slow, shared machine gets all the time it needs. */
const PATIENCE = { timeout: 90_000, interval: 100 };

interface Sent {
  readonly picture: CodedPicture;
  readonly timestamp: number;
}

class TestOutlet {
  readonly sent: Sent[] = [];
  keyWanted = true;

  takeKeyRequest(): boolean {
    const wanted = this.keyWanted;
    this.keyWanted = false;
    return wanted;
  }

  send(picture: CodedPicture, timestamp: number): void {
    this.sent.push({ picture, timestamp });
  }

  /** Size of the last key frame. */
  get size(): string | undefined {
    const key = this.sent.findLast(({ picture }) => picture.key)?.picture;
    const sps = key?.units.find((unit) => (unit.readUInt8(0) & 0x1f) === 7);
    const size = sps && spsSize(sps);
    return size && `${size.width}x${size.height}`;
  }
}

/** Opens sessions that need so many milliseconds more for a frame. */
function slow(moreMs: number): (options: UpscalerOptions) => Promise<Upscaler> {
  return async (options) => {
    const upscaler = await createUpscaler(options);
    return {
      ...upscaler,
      async upscale(frames, count) {
        const result = await upscaler.upscale(frames, count);
        await new Promise((resolve) => setTimeout(resolve, moreMs));
        return { ...result, runMs: result.runMs + moreMs };
      },
    };
  };
}

/** The RGB graph of a model that ships, as a file like any other. */
function shippedFile({ variants }: Model): string {
  return variants.find(({ format }) => format === 'rgb24')?.file ?? '';
}

/** A coded key frame as 6x4 pixels of RGB. */
async function meanColors(units: readonly Buffer[], codec: 'h264' | 'vp8'): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bridge-'));
  const file = join(folder, codec === 'h264' ? 'frame.h264' : 'frame.ivf');
  const [frame = Buffer.alloc(0)] = units;
  const size = codec === 'vp8' ? ([frame.readUInt16LE(6), frame.readUInt16LE(8)] as const) : ([0, 0] as const);
  const parts =
    codec === 'h264'
      ? units.flatMap((unit) => [Buffer.from([0, 0, 0, 1]), unit])
      : [ivfHeader('VP80', ...size), ivfFrameHeader(frame.length, 0), frame];
  await writeFile(file, Buffer.concat(parts));
  const pixels = await ffmpeg(
    ...['-i', file, '-frames:v', '1', '-vf', 'format=rgb24,scale=6:4:flags=area', '-f', 'rawvideo', '-'],
  );
  await rm(folder, { recursive: true });
  return [...pixels];
}

describe('bridge', { timeout: 240_000 }, () => {
  let model: Model;
  let small: readonly Buffer[];
  let tall: readonly Buffer[];
  const open: { bridge: Bridge; publisher: TestPublisher }[] = [];

  beforeAll(async () => {
    [model, small, tall] = await Promise.all([resolveModel('tinysr-nano'), vp8Clip('96x64'), vp8Clip('64x112')]);
  });

  afterEach(async () => {
    for (const { bridge, publisher } of open.splice(0)) {
      publisher.stop();
      await bridge.close();
    }
  });

  function start(
    clip: readonly Buffer[],
    openUpscaler: (options: UpscalerOptions) => Promise<Upscaler> = createUpscaler,
    models: readonly Model[] = [model],
    targetDelay = 2000,
    codec: 'h264' | 'vp8' = 'h264',
    maxInput = '1920x1080',
  ) {
    const outlet = new TestOutlet();
    const settings = resolveOptions({ openUpscaler, targetDelay, codec, maxInput, threads: 1 });
    const publisher = new TestPublisher(clip, (packet) => bridge.push(packet));
    const bridge = new Bridge({
      ...{ settings, models, outlet, gpu: false, codec: 'vp8', payloadType: PAYLOAD_TYPE, room: 'test' },
      requestKeyFrame: () => publisher.requestKeyFrame(),
    });
    open.push({ bridge, publisher });
    return { outlet, bridge, publisher };
  }

  it('gives every picture at four times the size, its own timestamp, and a key frame first and on request', async () => {
    const { outlet, bridge } = start(small);
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(5);
    const keys = outlet.sent.map(({ picture }) => picture.key);
    expect(keys).toEqual([true, ...keys.slice(1).fill(false)]);
    expect(outlet.size).toBe('384x256');
    const steps = outlet.sent
      .slice(1)
      .map(({ timestamp }, index) => (timestamp - (outlet.sent[index]?.timestamp ?? 0)) >>> 0);
    for (const step of steps) expect(step % 9000).toBe(0);

    const before = outlet.sent.length;
    outlet.keyWanted = true;
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(before + 4);
    expect(outlet.sent.slice(before).filter(({ picture }) => picture.key)).toHaveLength(1);
    expect(bridge.stats).toMatchObject({ state: 'running', source: '96x64', output: '384x256', model: 'tinysr-nano' });
  });

  it.each(['h264', 'vp8'] as const)(
    "upscales with an ONNX file of somebody's own to %s of the same colours",
    async (codec) => {
      const file = await resolveModel(shippedFile(model));
      const colors: number[][] = [];
      for (const one of [model, file]) {
        const { outlet } = start(small, createUpscaler, [one], 2000, codec);
        await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(2);
        const [first] = outlet.sent;
        colors.push(await meanColors(first?.picture.units ?? [], codec));
      }
      expect(file.variants.map(({ format }) => format)).not.toContain('yuv420p');
      const [shipped = [], own = []] = colors;
      expect(shipped).toHaveLength(3 * 6 * 4);
      const farthest = Math.max(
        ...shipped.slice(0, 3 * 6).map((value, index) => Math.abs(value - (own[index] ?? Number.NaN))),
      );
      // The upper row stands still in the source.
      expect(farthest, `${own} instead of ${shipped}`).toBeLessThan(10);
    },
  );

  it('gives VP8 as well', async () => {
    const { outlet } = start(small, createUpscaler, [model], 2000, 'vp8');
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(3);
    const [first] = outlet.sent.map(({ picture }) => picture.units[0]);
    expect(first?.subarray(3, 6).toString('hex')).toBe('9d012a');
    expect([first?.readUInt16LE(6), first?.readUInt16LE(8)]).toEqual([384, 256]);
    expect(outlet.sent.map(({ picture }) => picture.key).indexOf(false)).toBe(1);
  });

  it('follows a publisher whose picture changes its size', async () => {
    const { outlet, publisher } = start(small);
    await expect.poll(() => outlet.size, PATIENCE).toBe('384x256');
    publisher.change(tall);
    await expect.poll(() => outlet.size, PATIENCE).toBe('256x448');
  });

  it('leaves a picture that is too large alone, says so, and goes on when it is smaller', async () => {
    const { outlet, bridge, publisher } = start(tall, createUpscaler, [model], 2000, 'h264', '96x64');
    await expect.poll(() => bridge.stats.state, PATIENCE).toBe('refused');
    expect(bridge.stats.reason).toBe('64x112 is more than this relay upscales');
    expect(bridge.pids).toEqual([]);
    expect(outlet.sent).toEqual([]);
    publisher.change(small);
    await expect.poll(() => outlet.size, PATIENCE).toBe('384x256');
  });

  it('asks for a key frame after a loss and goes on', async () => {
    const { outlet, bridge, publisher } = start(small);
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(2);
    const asked = publisher.asked;
    publisher.lose();
    await expect.poll(() => publisher.asked, PATIENCE).toBeGreaterThan(asked);
    const before = outlet.sent.length;
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(before + 3);
    expect(bridge.stats.packetsLost).toBe(1);
  });

  it('goes on through 5 % loss and packets out of order', async () => {
    const { outlet, bridge, publisher } = start(small);
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(2);
    publisher.lossShare = 0.05;
    await expect.poll(() => bridge.stats.packetsLost, PATIENCE).toBeGreaterThan(2);
    publisher.lossShare = 0;
    const before = outlet.sent.length;
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(before + 10);
    expect(bridge.stats).toMatchObject({ state: 'running', failures: 0 });
  });

  it('keeps rate and size when the network brings pictures in bursts', async () => {
    const { outlet, bridge, publisher } = start(small);
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(2);
    publisher.burst = 4;
    await expect.poll(() => bridge.stats.displaced, PATIENCE).toBeGreaterThan(30);
    expect(bridge.stats).toMatchObject({ sizeShare: 1, maxFps: undefined, failures: 0 });
  });

  it('goes on after a long silence of the publisher without opening anything anew', async () => {
    let slow = false;
    const { outlet, bridge, publisher } = start(small, async (options) => {
      const upscaler = await createUpscaler(options);
      return {
        ...upscaler,
        async upscale(frames, count) {
          // The bridge looks at itself before the first frame after the silence is out.
          if (slow) await new Promise((resolve) => setTimeout(resolve, 500));
          slow = false;
          return upscaler.upscale(frames, count);
        },
      };
    });
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(2);
    const { pids } = bridge;
    publisher.silent = true;
    await new Promise((resolve) => setTimeout(resolve, 3500));
    slow = true;
    publisher.silent = false;
    const before = outlet.sent.length;
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(before + 3);
    expect(bridge.stats.failures).toBe(0);
    expect(bridge.pids).toEqual(pids);
  });

  it('goes on after each of its ffmpegs was killed', async () => {
    const { outlet, bridge } = start(small);
    for (const number of [0, 1]) {
      await expect.poll(() => bridge.stats.state, PATIENCE).toBe('running');
      process.kill(bridge.pids[number] ?? 0, 'SIGKILL');
      await expect.poll(() => bridge.stats.failures, PATIENCE).toBe(number + 1);
      const before = outlet.sent.length;
      await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(before + 2);
    }
  });

  it('opens little for a publisher whose every picture is a key frame of another size', async () => {
    let opened = 0;
    const { bridge, publisher } = start(small, (options) => {
      opened += 1;
      return createUpscaler(options);
    });
    publisher.stop();
    const writer = new RtpWriter(PAYLOAD_TYPE, 5);
    const pids = new Set<number>();
    for (let i = 0; i < 40; i += 1) {
      const frame = Buffer.alloc(40, 7);
      Buffer.from([0x10, 0, 0, 0x9d, 0x01, 0x2a, 32 + 2 * i, 0, 64, 0]).copy(frame);
      for (const parts of packetizeVp8(frame, 1000)) bridge.push(writer.write(3000 * i, true, ...parts));
      for (const pid of bridge.pids) pids.add(pid);
    }
    expect(opened).toBe(4);
    expect(pids.size).toBe(8);
    expect(bridge.pids).toEqual([]);
  });

  it('opens a new session when the one it has dies', async () => {
    const sessions: Upscaler[] = [];
    const { outlet, bridge } = start(small, async (options) => {
      const upscaler = await createUpscaler(options);
      sessions.push(upscaler);
      return upscaler;
    });
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(1);
    await sessions[0]?.close();
    await expect.poll(() => bridge.stats.failures, PATIENCE).toBeGreaterThan(0);
    const before = outlet.sent.length;
    await expect.poll(() => outlet.sent.length, PATIENCE).toBeGreaterThan(before + 2);
    expect(sessions.length).toBeGreaterThan(1);
  });

  it('tells where a frame spends its time', async () => {
    const { bridge } = start(small, slow(300));
    let found = bridge.stats;
    const frames = () => {
      found = bridge.stats;
      return found.ageMs > 0 ? found.framesOut : 0;
    };
    await expect.poll(frames, PATIENCE).toBeGreaterThan(12);
    const { stages, ageMs } = found;
    expect(stages.model).toBeGreaterThan(300);
    for (const stage of STAGES) expect(stages[stage], stage).toBeGreaterThanOrEqual(0);
    // ffmpeg works in both, and three frames come while the model has one.
    for (const stage of ['decode', 'wait', 'encode'] as const) expect(stages[stage], stage).toBeGreaterThan(0);
    const sum = STAGES.reduce((total, stage) => total + stages[stage], 0);
    expect(Math.abs(sum - ageMs)).toBeLessThan(ageMs / 3);
    await expect.poll(() => bridge.stats.queued, { ...PATIENCE, interval: 5 }).toBeGreaterThan(0);
  });

  it('takes the smaller model, then a smaller picture, on a slow device, and the delay stays bounded', async () => {
    const other: Model = { ...model, name: 'smaller' };
    const opened: string[] = [];
    const { outlet, bridge } = start(
      small,
      (options) => {
        opened.push(`${options.model.name} ${options.width}`);
        return slow(600)(options);
      },
      [model, other],
      250,
    );
    await expect.poll(() => bridge.stats.sizeShare, PATIENCE).toBeLessThan(1);
    await expect.poll(() => outlet.size, PATIENCE).not.toBe('384x256');
    expect(opened.indexOf('smaller 96')).toBeGreaterThan(opened.indexOf('tinysr-nano 96'));
    expect(bridge.stats.displaced).toBeGreaterThan(0);
    // Newest frame first: what waits is one frame, never a growing line.
    expect(bridge.stats.ageMs).toBeLessThan(5000);
  });
});
