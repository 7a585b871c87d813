import { from, lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type FrameBatch, upscaleBatches, upscaleFrames } from '#src/index.js';
import { fakeUpscaler } from '../support/fake-upscaler.js';
import { errorOf } from '../support/upscale.js';

const BYTES = 48;

function batch(first: number): FrameBatch {
  return { buffer: new Uint8Array(BYTES).fill(first).buffer, count: 1, ptsNs: [0n], first };
}

/** A source that counts what was asked of it, and says when it was ended. */
function source(most = Number.POSITIVE_INFINITY) {
  const state = { made: 0, ended: false };
  async function* batches(): AsyncGenerator<FrameBatch, void, undefined> {
    try {
      while (state.made < most) yield batch(state.made++);
    } finally {
      state.ended = true;
    }
  }
  return { state, batches };
}

/** Lets all promises that can go on do so. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('batches that are pulled', () => {
  it('are made no faster than their results are taken', async () => {
    const upscaler = fakeUpscaler();
    const { state, batches } = source(30);
    let taken = 0;
    for await (const { source: from, frames } of upscaleBatches(upscaler, batches())) {
      expect([from.first, frames.map(([value]) => value)]).toEqual([taken, [taken]]);
      taken += 1;
      for (let turn = 0; turn < 5; turn += 1) await settled();
      // As many are under way as there should be; never more.
      expect(state.made).toBe(Math.min(30, taken + upscaler.concurrency));
    }
    expect([taken, state.ended, upscaler.frames]).toEqual([30, true, 30]);
  });

  it('may come from what is there already, and held ones may be left out', async () => {
    const upscaler = fakeUpscaler();
    const shown = [1, 1, 2, 2, 2];
    const values: (number | undefined)[] = [];
    for await (const { frames } of upscaleBatches(upscaler, shown.map(batch), { reuse: true }))
      values.push(frames[0]?.[0]);
    expect([values, upscaler.frames]).toEqual([shown, 2]);
  });

  it('are given out as soon as they are done, whenever the next one comes', async () => {
    let taken = () => {};
    const first = new Promise<void>((resolve) => {
      taken = resolve;
    });
    async function* batches() {
      yield batch(0);
      await first;
      yield batch(1);
    }
    const numbers: number[] = [];
    for await (const { source: from } of upscaleBatches(fakeUpscaler(), batches())) {
      numbers.push(from.first);
      taken();
    }
    expect(numbers).toEqual([0, 1]);
  });

  it('end their source when the reader ends', async () => {
    const { state, batches } = source();
    for await (const { source: from } of upscaleBatches(fakeUpscaler(), batches())) if (from.first === 3) break;
    expect(state).toEqual({ made: 3 + 1 + 2, ended: true });
  });

  it('let the reader end although their source waits for something that will not come', async () => {
    async function* batches() {
      yield batch(0);
      await new Promise(() => undefined);
    }
    let taken = 0;
    for await (const _ of upscaleBatches(fakeUpscaler(), batches())) {
      taken += 1;
      break;
    }
    expect(taken).toBe(1);
  });

  it('that cannot be made are told of in their place', async () => {
    async function* batches() {
      yield* [batch(0), batch(1)];
      throw new Error('no more film');
    }
    const numbers: number[] = [];
    const reading = (async () => {
      for await (const { source: from } of upscaleBatches(fakeUpscaler(), batches())) numbers.push(from.first);
    })();
    await expect(reading).rejects.toThrow('no more film');
    expect(numbers).toEqual([0, 1]);
  });

  it('that cannot be run end all, the source too', async () => {
    const { state, batches } = source();
    const upscaler = { ...fakeUpscaler(), upscale: () => Promise.reject(new Error('broken')) };
    await expect(upscaleBatches(upscaler, batches()).next()).rejects.toThrow('broken');
    expect(state.ended).toBe(true);
  });

  it.each([false, true])('without frames, or with fewer than they say, are refused (reuse: %s)', async (reuse) => {
    for (const count of [0, 2, 5]) {
      const wrong = [{ ...batch(0), count }];
      const pulled = await errorOf(upscaleBatches(fakeUpscaler(), wrong, { reuse }).next());
      const pushed = await errorOf(lastValueFrom(from(wrong).pipe(upscaleFrames(fakeUpscaler(), { reuse }))));
      expect([pulled.code, pushed.code]).toEqual(['TSR_USAGE', 'TSR_USAGE']);
    }
  });
});
