import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Upscaler } from '#src/infer/types.js';
import { upscaleFrames } from '#src/pipeline/upscale-frames.js';
import type { FrameBatch } from '#src/shared/frame.js';
import { fakeUpscaler } from '../support/fake-upscaler.js';

const batches = (pictures: readonly string[]): FrameBatch[] =>
  pictures.map((values, first) => {
    const frames = new Uint8Array(Math.max(2, values.length) * 48);
    for (const [index, value] of [...values].entries()) frames.fill(Number(value), index * 48, (index + 1) * 48);
    return { buffer: frames.buffer, count: values.length, ptsNs: [...values].map(() => 0n), first };
  });

describe('held frames', () => {
  const through = async (upscaler: Upscaler, shown: readonly string[], reuse: boolean) => {
    const results = await lastValueFrom(from(batches(shown)).pipe(upscaleFrames(upscaler, { reuse }), toArray()));
    return results.map(({ source, frames }) => ({
      number: source.first,
      picture: frames.map((frame) => [...new Set(frame)].join('|')).join(''),
    }));
  };

  it.each([
    { shown: ['11', '11', '11', '12', '11', '1', '1', '1', '33'], pictures: 4 },
    { shown: ['12', '23', '34', '44', '45'], pictures: 5 },
    { shown: ['1123', '3334', '4444', '5567'], pictures: 7 },
    { shown: ['1', '2', '2', '1'], pictures: 3 },
  ])('of $shown are run once, and come out in order like the others', async ({ shown, pictures }) => {
    const upscaler = fakeUpscaler();
    expect(await through(upscaler, shown, true)).toEqual(shown.map((picture, number) => ({ number, picture })));
    expect(upscaler.frames).toBe(pictures);
  });

  it('are run each time unless asked for', async () => {
    const shown = ['11', '11', '1'];
    const upscaler = fakeUpscaler();
    expect(await through(upscaler, shown, false)).toEqual(shown.map((picture, number) => ({ number, picture })));
    expect(upscaler.frames).toBe(5);
  });
});
