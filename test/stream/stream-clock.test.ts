import { describe, expect, it } from 'vitest';
import { StreamClock } from '#src/stream/bridge/stream-clock.js';

/** Times of frames whose timestamps differ by these ticks. */
function times(first: number, ...steps: readonly number[]): number[] {
  const clock = new StreamClock();
  let timestamp = first;
  return [0, ...steps].map((step) => {
    timestamp = (timestamp + step) >>> 0;
    return clock.milliseconds(timestamp);
  });
}

describe('the clock of a stream', () => {
  it('turns ticks of 90 kHz into milliseconds and does not add up what is rounded away', () => {
    expect(times(5, 3003, 3003, 3003)).toEqual([0, 33, 67, 100]);
    expect(times(0, ...Array<number>(3000).fill(3003)).at(-1)).toBe(100_100);
  });

  it('goes on where timestamps wrap', () => {
    expect(times(2 ** 32 - 3000, 3000, 3000)).toEqual([0, 33, 67]);
  });

  it('takes a jump forth or back for a frame of the usual length', () => {
    expect(times(1000, 6000, 900_000_000, 6000)).toEqual([0, 67, 133, 200]);
    expect(times(900_000_000, 6000, -54_000_000, 6000)).toEqual([0, 67, 133, 200]);
    expect(times(0, -9)).toEqual([0, 33]);
  });

  it('rises with every frame, though timestamps stand still', () => {
    const clock = new StreamClock();
    const stuck = Array.from({ length: 4 }, () => clock.milliseconds(77));
    expect(stuck).toEqual([0, 33, 67, 100]);
    expect(times(0, 1, 1, 1)).toEqual([0, 1, 2, 3]);
  });

  it('keeps time for days', () => {
    const clock = new StreamClock();
    const step = 450_000;
    const frames = (3 * 24 * 3600 * 90_000) / step;
    let last = 0;
    for (let frame = 0; frame <= frames; frame += 1) last = clock.milliseconds((frame * step) % 2 ** 32);
    expect(last).toBe(3 * 24 * 3_600_000);
  });
});
