/** A fraction of two integers, as ffmpeg prints time bases, frame rates and aspect ratios. */
export interface Rational {
  readonly num: number;
  readonly den: number;
}

/**
 * Reads `num/den` or `num:den`.
 *
 * @returns undefined for anything else, and for a zero or negative part (`0/0` means unknown to ffmpeg)
 */
export function parseRational(text: string | undefined): Rational | undefined {
  const match = /^(\d{1,12})[/:](\d{1,12})$/.exec(text ?? '');
  if (!match) return undefined;
  const [num, den] = [Number(match[1]), Number(match[2])];
  return num > 0 && den > 0 ? { num, den } : undefined;
}

/** The fraction as ffmpeg reads it, e.g. `1/12800`. */
export function formatRational({ num, den }: Rational): string {
  return `${num}/${den}`;
}

/** The same fraction in lowest terms; both parts safe integers. */
export function reduced({ num, den }: Rational): Rational {
  let [a, b] = [num, den];
  while (b) [a, b] = [b, a % b];
  return { num: num / a, den: den / a };
}

/** The fraction as a number. */
export function rationalValue({ num, den }: Rational): number {
  return num / den;
}
