import { describe, expect, it } from 'vitest';
import { formatRational, parseRational, rationalValue } from '#src/shared/rational.js';

describe('fractions', () => {
  it.each([
    ['30000/1001', { num: 30_000, den: 1001 }],
    ['64:45', { num: 64, den: 45 }],
    ['1/90000', { num: 1, den: 90_000 }],
  ])('%s is read', (text, expected) => {
    expect(parseRational(text)).toEqual(expected);
    expect(parseRational(formatRational(expected))).toEqual(expected);
  });

  it.each([undefined, '', '0/0', '1/0', '0:1', '-1/2', '1', '1/2/3', 'N/A', '1.5/2', ' 1/2', '9999999999999/1'])(
    '%s says nothing',
    (text) => {
      expect(parseRational(text)).toBeUndefined();
    },
  );

  it('have a value', () => {
    expect(rationalValue({ num: 30_000, den: 1001 })).toBeCloseTo(29.97003, 5);
  });
});
