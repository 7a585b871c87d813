/** Lines by which ffmpeg tells that data was lost or a frame is damaged. */
const SIGNS = [
  /Error while decoding stream/,
  /corrupt decoded frame/,
  /partial file/,
  /File ended prematurely/,
  /Packet corrupt/,
  /Invalid NAL unit size/,
  /Truncating packet/,
  /error while decoding MB/,
  /concealing \d+/,
];

/** Counts, in ffmpeg's stderr, the lines that tell of damage, and keeps the first. */
export class DamageCounter {
  #rest = '';
  /** Damaged places met. */
  count = 0;
  /** The first of them in ffmpeg's words. */
  first: string | undefined;

  /** Takes the next piece of stderr. */
  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-4096);
    for (const line of lines) this.#look(line);
  }

  #look(line: string): void {
    if (!SIGNS.some((sign) => sign.test(line))) return;
    this.count += 1;
    this.first ??= line.replace(/^\[[^\]]*\]\s*/, '').trim();
  }
}
