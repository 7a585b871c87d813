import { beforeAll, describe, expect, it } from 'vitest';
import { checkResult, referenceFrame } from '#src/bench/reference.js';
import { resolveModel } from '#src/infer/resolve-model.js';
import type { Model } from '#src/infer/types.js';
import { frameLayout } from '#src/shared/layout.js';

/** The model's graphs under another precision: what is checked is the tolerance. */
const asInt8 = (model: Model) => model.variants.map((variant) => ({ ...variant, precision: 'int8' as const }));

describe('check of a result', () => {
  const layout = frameLayout('rgb24', 48, 32);
  const frame = new Uint8Array(layout.bytes);
  for (let i = 0; i < frame.length; i += 1) frame[i] = 128 + 90 * Math.sin(i / 40) + 30 * Math.cos(Math.floor(i / 144));
  let model: Model;
  let right: Uint8Array;

  beforeAll(async () => {
    model = await resolveModel('tinysr-nano');
    right = await referenceFrame(model, layout, frame.buffer, 'fp32');
  });

  const check = (result: Uint8Array, compare = true) =>
    checkResult(model, 'fp32', layout, frame.buffer, result.slice().buffer, compare);

  it('accepts the right picture, and one that is a level off', async () => {
    expect(await check(right)).toMatchObject({ ok: true, maxDifference: 0 });
    const rounded = right.map((value, i) => (i % 7 ? value : Math.min(255, value + 1)));
    expect(await check(rounded)).toMatchObject({ ok: true });
  });

  it.each([
    ['zeros', () => new Uint8Array(right.length)],
    ['noise', () => right.map((_, i) => (i * 7919) % 251)],
    ['a few wrong pixels', () => right.map((value, i) => (i < 30 ? value ^ 128 : value))],
  ])('refuses %s', async (_, wrong) => {
    expect(await check(wrong())).toMatchObject({ ok: false });
  });

  it('lets int8 graphs round elsewhere, and no more', async () => {
    const levels = (by: number) => right.map((value) => (value < 128 ? value + by : value - by));
    const int8 = (result: Uint8Array) =>
      checkResult({ ...model, variants: asInt8(model) }, 'int8', layout, frame.buffer, result.slice().buffer, true);
    expect(await int8(levels(6))).toMatchObject({ ok: true, maxDifference: 6 });
    expect(await int8(levels(12))).toMatchObject({ ok: false, maxDifference: 12 });
    expect(await check(levels(6))).toMatchObject({ ok: false });
  });

  it('refuses garbage without a comparison too', async () => {
    expect(await check(right, false)).toMatchObject({ ok: true, maxDifference: null });
    expect(await check(new Uint8Array(right.length), false)).toMatchObject({ ok: false });
  });
});
