import { describe, expect, it } from 'vitest';
import { parseFrameRate } from '#src/shared/frame-rate.js';
import { nameOf, numberOf, type Pattern, parsePattern, patternPath } from '#src/shared/pattern.js';

const pattern = (text: string) => parsePattern(text) as Pattern;

describe('a pattern', () => {
  it('has one number, in the name of the file', () => {
    expect(pattern('a/b%d/f-%04d.png')).toMatchObject({ folder: 'a/b%d', prefix: 'f-', digits: 4, suffix: '.png' });
    expect(pattern('%d.png')).toMatchObject({ folder: '.', prefix: '', digits: 1 });
    for (const none of [
      'a.png',
      '%d/a.png',
      '%d-%d.png',
      '%s.png',
      '%4d.png',
      '%00d.png',
      '%012d.png',
      '100%.png',
      '%%d.png',
      '*.png',
    ]) {
      expect(parsePattern(none)).toBeUndefined();
    }
  });

  it('knows the names it writes, and no others', () => {
    expect(nameOf(pattern('f%03d.png'), 7)).toBe('f007.png');
    expect(numberOf(pattern('f%03d.png'), 'f007.png')).toBe(7);
    expect(numberOf(pattern('f%03d.png'), 'f1000.png')).toBe(1000);
    for (const other of ['f07.png', 'f0007.png', 'f007.jpg', 'g007.png', 'f.png', 'f-07.png', 'f99999999999.png']) {
      expect(numberOf(pattern('f%03d.png'), other)).toBeUndefined();
    }
    expect(numberOf(pattern('%d%d.png'.replace('%d%d', '%%%d')), '%12.png')).toBe(12);
  });

  it('gives ffmpeg nothing else to expand', () => {
    expect(patternPath(pattern('a%d/50%%-%02d.png'))).toBe('a%%d/50%%-%02d.png');
    expect(patternPath(pattern('%d.png'))).toBe('./%d.png');
  });
});

describe('a frame rate', () => {
  it.each([
    ['25', 25, 1],
    ['12.5', 25, 2],
    ['30000/1001', 30_000, 1001],
    ['29.97', 30_000, 1001],
    ['23.976', 24_000, 1001],
    ['23.98', 24_000, 1001],
  ])('is read: %s', (text, num, den) => {
    expect(parseFrameRate(text)).toEqual({ num, den });
  });

  it.each(['', '0', '-1', '1000', '25:1', '25/0', 'NaN', '1e2', '0.001', ' 25'])('is none: %s', (text) => {
    expect(parseFrameRate(text)).toBeUndefined();
  });
});
