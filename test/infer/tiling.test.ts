import { describe, expect, it } from 'vitest';
import { createUpscaler, type FrameFormat, frameLayout, type Model, resolveModel } from '#src/index.js';
import { featherWeights, seamStart, tileStarts } from '#src/infer/tile-plan.js';
import { tileSpec } from '#src/infer/tile-spec.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { errorOf } from '../support/upscale.js';

const nano = await resolveModel('tinysr-nano');

async function upscaled(format: FrameFormat, width: number, height: number, tile: number): Promise<Uint8Array> {
  const picture = `testsrc2=s=${width}x${height},noise=alls=12:all_seed=7`;
  const raw = await ffmpeg('-f', 'lavfi', '-i', picture, '-frames:v', '1', '-pix_fmt', format, '-f', 'rawvideo', '-');
  const upscaler = await createUpscaler({ model: nano, device: 'cpu', format, width, height, tile, threads: 2 });
  expect(raw.length).toBe(frameLayout(format, width, height).bytes);
  expect(upscaler.tile).toBe(tile === 0 ? undefined : tile);
  try {
    const { output } = await upscaler.upscale(Uint8Array.from(raw).buffer, 1);
    return new Uint8Array(output);
  } finally {
    await upscaler.close();
  }
}

describe('a tiled run', () => {
  it.each([
    ['rgb24', 160, 120, 64],
    ['rgb24', 122, 66, 60],
    ['yuv420p', 160, 120, 64],
    ['yuv420p', 122, 66, 60],
    ['rgb48le', 160, 120, 64],
    ['yuv420p10le', 160, 120, 64],
    ['yuv420p10le', 122, 66, 60],
  ] as const)(
    'of %s %ix%i in tiles of %i is the untiled one within one level of 255',
    async (format, width, height, tile) => {
      const [whole, tiled] = [await upscaled(format, width, height, 0), await upscaled(format, width, height, tile)];
      expect(tiled.length).toBe(whole.length);
      const deep = format === 'rgb48le' || format === 'yuv420p10le';
      const samples = (bytes: Uint8Array) => (deep ? new Uint16Array(bytes.buffer) : bytes);
      const [a, b] = [samples(whole), samples(tiled)];
      const white = { rgb24: 255, yuv420p: 255, rgb48le: 65_535, yuv420p10le: 1023 }[format];
      let [largest, differing] = [0, 0];
      for (const [index, value] of a.entries()) {
        const difference = Math.abs(value - (b[index] ?? Number.NaN));
        largest = Math.max(largest, difference);
        if (difference) differing += 1;
      }
      expect(largest).toBeLessThanOrEqual(white / 255 + 0.01);
      // Most is the same to the last bit: colours of the whole frame are not shifted.
      expect(differing / a.length).toBeLessThan(deep ? 0.5 : 0.1);
    },
  );

  it('of a picture that is no larger than a tile is not tiled', async () => {
    const options = { model: nano, device: 'cpu', format: 'rgb24', width: 64, height: 48, tile: 64 } as const;
    expect(tileSpec(options)).toBeUndefined();
  });

  it('with tiles too small for the model is refused with the least that will do', async () => {
    const options = { model: nano, device: 'cpu', format: 'rgb24', width: 160, height: 120 } as const;
    const error = await errorOf(createUpscaler({ ...options, tile: 16 }));
    expect(error.code).toBe('TSR_USAGE');
    const least = Number(/--tile (\d+)/.exec(error.hint ?? '')?.[1]);
    expect(tileSpec({ ...options, tile: least })).toBeDefined();
  });

  it('is chosen when a frame would not fit the memory', () => {
    const heavy: Model = { ...nano, macsPerLrPixel: undefined };
    const options = { device: 'cpu', format: 'rgb24', width: 16_000, height: 8000 } as const;
    const spec = tileSpec({ ...options, model: heavy });
    expect(spec?.width).toBeLessThanOrEqual(1024);
    expect(tileSpec({ ...options, model: heavy, tile: 0 })).toBeUndefined();
    expect(tileSpec({ ...options, model: heavy, width: 160, height: 120 })).toBeUndefined();
  });
});

describe('the plan of tiles', () => {
  it('covers every length, with the overlap asked for and even starts', () => {
    for (let length = 16; length <= 300; length += 2) {
      for (const tile of [48, 64, 96]) {
        for (const overlap of [16, 36, 40]) {
          const starts = tileStarts(length, tile, overlap, 2);
          const side = Math.min(tile, length);
          expect(starts[0]).toBe(0);
          expect((starts.at(-1) ?? 0) + side).toBe(length);
          for (const [index, start] of starts.entries()) {
            expect(start % 2).toBe(0);
            if (index > 0) expect((starts[index - 1] ?? 0) + tile - start).toBeGreaterThanOrEqual(overlap);
          }
        }
      }
    }
  });

  it('one tile covers what is no longer than it', () => {
    expect(tileStarts(64, 64, 36, 2)).toEqual([0]);
    expect(tileStarts(40, 64, 36, 2)).toEqual([0]);
  });

  it('weights rise over a seam and add up to one with their mirror image', () => {
    const weights = [...featherWeights(8)];
    expect(weights).toHaveLength(8);
    for (const [index, weight] of weights.entries()) {
      expect(weight).toBeGreaterThan(index === 0 ? 0 : (weights[index - 1] ?? 1));
      expect(weight + (weights[7 - index] ?? 0)).toBeCloseTo(1, 6);
    }
  });

  it('a seam lies in the middle of the overlap, at an even place', () => {
    // Tiles 0..64 and 24..88 overlap in 24..64; eight in its middle are 40..48.
    expect(seamStart(24, 64, 8, 2)).toBe(40);
    for (const [second, end] of [
      [22, 64],
      [26, 64],
      [100, 141],
    ] as const) {
      const seam = seamStart(second, end, 8, 2);
      expect(seam % 2).toBe(0);
      expect(seam).toBeGreaterThanOrEqual(second);
      expect(seam + 8).toBeLessThanOrEqual(end);
    }
  });
});
