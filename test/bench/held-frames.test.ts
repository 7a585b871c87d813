import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Upscaler } from '#src/infer/types.js';
import { upscaleFrames } from '#src/pipeline/upscale-frames.js';
import type { FrameBatch } from '#src/shared/frame.js';
import { frameLayout } from '#src/shared/layout.js';

/** An upscaler that counts its runs and gives back what came. */
function counter(): Upscaler & { runs: number } {
  const layout = frameLayout('rgb24', 4, 4);
  const close = () => Promise.resolve();
  return {
    ...{ model: { name: 'none', scale: 2, multiple: 1, variants: [] }, provider: 'cpu', input: layout, output: layout },
    ...{ batch: 2, concurrency: 2, tile: undefined, runs: 0, close, [Symbol.asyncDispose]: close },
    async upscale(frames) {
      this.runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 2));
      return { output: frames.slice(0), input: frames, runMs: 1 };
    },
  };
}

const batches = (pictures: readonly string[]): FrameBatch[] =>
  pictures.map((values, first) => {
    const frames = new Uint8Array(2 * 48);
    for (const [index, value] of [...values].entries()) frames.fill(Number(value), index * 48, (index + 1) * 48);
    return { buffer: frames.buffer, count: values.length, ptsNs: [...values].map(() => 0n), first };
  });

describe('held frames', () => {
  const shown = ['11', '11', '11', '12', '11', '1', '1', '1', '33'];
  const through = async (upscaler: Upscaler, reuse: boolean) => {
    const results = await lastValueFrom(from(batches(shown)).pipe(upscaleFrames(upscaler, { reuse }), toArray()));
    return results.map(({ source, output }) => ({
      number: source.first,
      picture: [...new Uint8Array(output)].filter((_, i) => i % 48 === 0 && i < source.count * 48).join(''),
    }));
  };

  it('are run once, and come out in order like the others', async () => {
    const upscaler = counter();
    const expected = shown.map((picture, number) => ({ number, picture }));
    expect(await through(upscaler, true)).toEqual(expected);
    expect(upscaler.runs).toBe(5);
  });

  it('are run each time unless asked for', async () => {
    const upscaler = counter();
    await through(upscaler, false);
    expect(upscaler.runs).toBe(shown.length);
  });
});
