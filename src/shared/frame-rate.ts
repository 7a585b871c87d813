import { parseRational, type Rational, rationalValue, reduced } from './rational.js';

/** Frames a second that a video has at most. */
const MAX_RATE = 960;
/** The rates of NTSC, whose decimals are rounded: 23.976, 29.97 and so on are these. */
const NTSC = [24_000, 30_000, 48_000, 60_000, 120_000].map((num) => ({ num, den: 1001 }));

/** Reads a frame rate: `25`, `30000/1001`, `29.97`. @returns undefined for anything else, and outside 1/100 to 960 */
export function parseFrameRate(text: string): Rational | undefined {
  const decimal = /^(\d{1,3})(?:\.(\d{1,3}))?$/.exec(text);
  const thousandths = { num: Math.round(Number(text) * 1000), den: 1000 };
  const near = NTSC.find((rate) => decimal?.[2] && Math.abs(rationalValue(rate) - Number(text)) < 0.005);
  const rate = decimal ? (near ?? thousandths) : parseRational(text.includes('/') ? text : '');
  if (!rate || !(rationalValue(rate) >= 0.01 && rationalValue(rate) <= MAX_RATE)) return undefined;
  return reduced(rate);
}
