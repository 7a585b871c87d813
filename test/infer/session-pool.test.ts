import { describe, expect, it } from 'vitest';
import { createUpscaler, frameLayout, resolveModel } from '#src/index.js';
import { errorOf } from '../support/upscale.js';

const model = await resolveModel('tinysr-nano');
const SIZE = { width: 96, height: 64 } as const;
const OPTIONS = { model, device: 'cpu', format: 'rgb24', ...SIZE, batch: 4, parallel: true } as const;
const { bytes } = frameLayout('rgb24', SIZE.width, SIZE.height);

/** Frames of noise; the number decides which. */
function frames(number: number, count: number): ArrayBuffer {
  let seed = number;
  const pixels = new Uint8Array(bytes * count).map(() => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed >>> 24;
  });
  return pixels.buffer;
}

describe('sessions side by side', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [100, 8],
  ])('%i threads are shared by %i sessions', async (threads, sessions) => {
    await using upscaler = await createUpscaler({ ...OPTIONS, threads });
    expect(upscaler).toMatchObject({ sessions, concurrency: 2 * sessions });
  });

  it('are asked for: without, all threads work on one batch', async () => {
    await using upscaler = await createUpscaler({ ...OPTIONS, threads: 4, parallel: undefined });
    expect(upscaler).toMatchObject({ sessions: 1, concurrency: 2 });
  });

  it('are none where frames are cut into tiles', async () => {
    await using upscaler = await createUpscaler({ ...OPTIONS, threads: 4, tile: 64 });
    expect(upscaler.sessions).toBe(1);
  });

  it('give results in the order of the calls, the same as one session gives', async () => {
    await using several = await createUpscaler({ ...OPTIONS, threads: 2 });
    await using one = await createUpscaler({ ...OPTIONS, threads: 1 });
    // The second session is open by then.
    await Promise.all(Array.from({ length: 8 }, () => several.upscale(frames(1, 4), 4)));
    const order: number[] = [];
    const counts = [4, 1, 1, 4, 1, 2, 4, 1];
    const results = await Promise.all(
      counts.map(async (count, number) => {
        const result = await several.upscale(frames(number, count), count);
        order.push(number);
        return result;
      }),
    );
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const [number, count] of counts.entries()) {
      const { output } = await one.upscale(frames(number, count), count);
      expect(Buffer.compare(new Uint8Array(output), new Uint8Array(results[number]?.output ?? [])), `${number}`).toBe(
        0,
      );
    }
  });

  it('are all closed, also those that were still being opened', async () => {
    const upscaler = await createUpscaler({ ...OPTIONS, threads: 4 });
    const running = [1, 2, 3].map((number) => errorOf(upscaler.upscale(frames(number, 4), 4)));
    await upscaler.close();
    for (const error of await Promise.all(running)) expect(error.code).toBe('TSR_INFER_FAILED');
    await upscaler.close();
    expect((await errorOf(upscaler.upscale(frames(1, 1), 1))).code).toBe('TSR_INFER_FAILED');
  });
});
