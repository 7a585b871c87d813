import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Timestamps, ticksToNs } from '#src/decode/timestamps.js';

async function read(lines: readonly string[], duration = 1): Promise<{ times: bigint[]; repaired: number }> {
  const timestamps = new Timestamps(Readable.from([`${lines.join('\n')}\n`]), { num: 1, den: 1000 }, duration);
  const times: bigint[] = [];
  for (let next = await timestamps.next(); next !== undefined; next = await timestamps.next()) times.push(next);
  return { times, repaired: timestamps.repaired };
}

const line = (pts: number | bigint) => `0, ${pts}, ${pts}, 1, 472, 0x00000000`;
const ms = (...values: readonly number[]) => values.map((value) => BigInt(value) * 1_000_000n);

describe('ticks', () => {
  it.each([
    [1n, { num: 1, den: 1000 }, 1_000_000n],
    [1001n, { num: 1, den: 30_000 }, 33_366_667n],
    [-1n, { num: 1, den: 3 }, -333_333_333n],
    [1n, { num: 2, den: 3 }, 666_666_667n],
    [8_589_934_592n, { num: 1, den: 90_000 }, 95_443_717_688_889n],
  ])('%i of %o are %i ns, rounded to the nearest', (pts, timeBase, expected) => {
    expect(ticksToNs(pts, timeBase)).toBe(expected);
  });
});

describe('times from framecrc lines', () => {
  it('are read in the time base that the header says', async () => {
    const header = ['#software: Lavf', '#tb 0: 1/100', '#media_type 0: video', '#codec_id 0: wrapped_avframe'];
    expect((await read([...header, line(0), line(7), line(9)])).times).toEqual(ms(0, 70, 90));
  });

  it('of other streams and comments are left out', async () => {
    const { times, repaired } = await read([line(1), '1, 5, 5, 1, 472, 0x0', '# note', line(2)]);
    expect([times, repaired]).toEqual([ms(1, 2), 0]);
  });

  it('may be negative', async () => {
    expect((await read([line(-40), line(0)])).times).toEqual(ms(-40, 0));
  });

  it('that are missing follow the one before by a frame, and are counted', async () => {
    const none = -(2n ** 63n);
    const { times, repaired } = await read([line(none), line(40), line(none), line(120)], 40);
    expect([times, repaired]).toEqual([ms(0, 40, 80, 120), 2]);
  });

  it('that go backwards or stand still are moved on by one tick, and are counted', async () => {
    const { times, repaired } = await read([line(10), line(10), line(5), line(13)]);
    expect([times, repaired]).toEqual([ms(10, 11, 12, 13), 2]);
  });

  it('end with the stream', async () => {
    expect((await read([])).times).toEqual([]);
  });
});
