import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { DecodeOptions } from '#src/decode/command.js';
import { FrameSource } from '#src/decode/frame-source.js';
import { probe } from '#src/decode/probe-source.js';
import { FramePool } from '#src/pipeline/frame-pool.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { counting, decode, numbered } from '../support/pictures.js';
import { children } from '../support/processes.js';

const folder = testFolder();
const clip = () =>
  folder.made('clip.mkv', (path) =>
    ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', '20', '-c:v', 'ffv1', path),
  );

async function open(options: Partial<DecodeOptions> = {}): Promise<FrameSource> {
  const info = await probe(await clip());
  return FrameSource.open({
    ...{ info, format: 'yuv420p', width: 64, height: 48, matrix: 'bt601', fullRange: false, hwaccel: 'none' },
    ...{
      start: undefined,
      end: undefined,
      frames: undefined,
      firstFrame: undefined,
      deinterlacing: undefined,
      ...options,
    },
  });
}

describe('a frame source', () => {
  it.each([1, 3, 7, 20, 64])('gives every frame, byte by byte, in batches of %i', async (size) => {
    const source = await open();
    const { bytes } = source.layout;
    const pool = new FramePool(2, bytes * size);
    const expected = (await decode(await clip())).frames;
    const counts: number[] = [];
    for await (const batch of source.batches(size, pool)) {
      expect(batch.first).toBe(counts.reduce((sum, count) => sum + count, 0));
      expect(batch.ptsNs).toHaveLength(batch.count);
      for (let i = 0; i < batch.count; i += 1) {
        const luma = Buffer.from(batch.buffer, i * bytes, 64 * 48);
        expect(luma.equals(expected[batch.first + i] ?? Buffer.alloc(0))).toBe(true);
        expect(batch.ptsNs[i]).toBe(BigInt(batch.first + i) * 40_000_000n);
      }
      counts.push(batch.count);
      pool.release(batch.buffer);
    }
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(20);
    expect(counts.slice(0, -1).every((count) => count === size)).toBe(true);
    expect([source.frames, source.damage.count, source.repairedTimestamps]).toEqual([20, 0, 0]);
    await source.close();
  });

  it('reads no further than it has buffers for', async () => {
    const source = await open();
    const pool = new FramePool(3, source.layout.bytes);
    const batches = source.batches(1, pool);
    const held = [await batches.next(), await batches.next(), await batches.next()];
    const fourth = batches.next();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(source.frames).toBe(3);
    pool.release(held[0]?.value?.buffer ?? new ArrayBuffer(0));
    expect((await fourth).value?.first).toBe(3);
    await source.close();
  });

  it('pads a picture to what the model takes by repeating its edge', async () => {
    const source = await open({ format: 'rgb24', width: 68, height: 52 });
    const pool = new FramePool(1, source.layout.bytes);
    const { value: batch } = await source.batches(1, pool).next();
    await source.close();
    const pixel = (x: number, y: number) => Buffer.from(batch?.buffer ?? new ArrayBuffer(0), (y * 68 + x) * 3, 3);
    for (const y of counting(48)) {
      for (const x of [64, 65, 66, 67]) expect(pixel(x, y).equals(pixel(63, y))).toBe(true);
    }
    for (const x of counting(68)) {
      for (const y of [48, 49, 50, 51]) expect(pixel(x, y).equals(pixel(x, 47))).toBe(true);
    }
  });

  it('gives the same where the temporary folder cannot hold a socket', async () => {
    const deep = join(folder.path, 'x'.repeat(120));
    await mkdir(deep, { recursive: true });
    vi.stubEnv('TMPDIR', deep);
    try {
      const source = await open();
      const pool = new FramePool(1, source.layout.bytes);
      const { value } = await source.batches(1, pool).next();
      const [expected] = (await decode(await clip())).frames;
      expect(Buffer.from(value?.buffer ?? new ArrayBuffer(0), 0, 64 * 48).equals(expected ?? Buffer.alloc(0))).toBe(
        true,
      );
      await source.close();
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('closed midway leaves no process, and closes again without harm', async () => {
    const source = await open();
    expect(children()).toHaveLength(1);
    await source.close();
    await source.close();
    expect(children()).toEqual([]);
  });
});
