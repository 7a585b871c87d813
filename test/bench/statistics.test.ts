import { describe, expect, it } from 'vitest';
import { histogram, measured, median, percentile, spread } from '#src/bench/statistics.js';

describe('statistics', () => {
  it('takes percentiles by the nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([0.5, 0.95, 0.99, 1].map((share) => percentile(values, share))).toEqual([50, 95, 99, 100]);
    expect(percentile([7], 0.99)).toBe(7);
  });

  it('takes the median of odd and even numbers of values', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  it('says how far repeats lie apart', () => {
    expect(spread(measured([9, 10, 11]))).toBeCloseTo(0.1);
    expect(spread(measured([10]))).toBe(0);
  });

  it('counts every value in a histogram once', () => {
    const bins = histogram([1, 2, 2, 3, 10], 3);
    expect(bins.map(({ count }) => count)).toEqual([4, 0, 1]);
    expect(histogram([5, 5], 3)).toEqual([{ from: 5, to: 5, count: 2 }]);
  });
});
