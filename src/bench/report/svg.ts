/** A number for an SVG attribute. */
export const n = (value: number): string => String(Math.round(value * 10) / 10);

/** Text for HTML or SVG, safe in elements and attributes. */
export function escapeText(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** A label. */
export function label(x: number, y: number, text: string, attributes = ''): string {
  return `<text x="${n(x)}" y="${n(y)}" ${attributes}>${escapeText(text)}</text>`;
}

/** A straight line. */
export function line(x1: number, y1: number, x2: number, y2: number, attributes: string): string {
  return `<line x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}" ${attributes}/>`;
}

/** A drawing with a name for those who cannot see it. */
export function svg(width: number, height: number, name: string, parts: readonly string[]): string {
  const box = `viewBox="0 0 ${n(width)} ${n(height)}"`;
  // Letters grow with a chart: alone in its row it must not be huge.
  const limits = `max-width:${Math.round(width * 1.4)}px`;
  return `<svg ${box} style="${limits}" role="img" aria-label="${escapeText(name)}">${parts.join('')}</svg>`;
}

/** Maps a value to a place. */
export type Scale = (value: number) => number;

/** Equal steps for equal ratios. */
export function logScale(from: number, to: number, start: number, end: number): Scale {
  const [low, high] = [Math.log(from), Math.log(to)];
  return (value) => start + ((Math.log(value) - low) / (high - low || 1)) * (end - start);
}

/** Equal steps for equal differences. */
export function linearScale(from: number, to: number, start: number, end: number): Scale {
  return (value) => start + ((value - from) / (to - from || 1)) * (end - start);
}

/** Round numbers 1, 2, 5 x 10^k between two values. */
export function logTicks(from: number, to: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power += 1) {
    for (const digit of [1, 2, 5]) {
      const tick = Number((digit * 10 ** power).toPrecision(3));
      if (tick >= from && tick <= to) ticks.push(tick);
    }
  }
  return ticks;
}

/** About `count` round numbers between two values. */
export function linearTicks(from: number, to: number, count: number): number[] {
  const rough = (to - from) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((digit) => digit * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to + step / 1e6; tick += step) {
    ticks.push(Number(tick.toPrecision(10)));
  }
  return ticks;
}

/** Colour of a series, by its place in the order of models; defined in the page's style. */
export function seriesColor(index: number): string {
  return `var(--s${(index % 8) + 1})`;
}

/** Width of a letter of a chart's labels, on average and generously. */
export const LETTER = 6.6;

/** A name in at most so many letters. */
export function shortened(name: string, most: number): string {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
