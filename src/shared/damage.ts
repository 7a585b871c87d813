import { TinySRError } from './errors.js';

/** Lines by which ffmpeg tells that data was lost or a frame is damaged. */
const SIGNS: readonly RegExp[] = [
  /Error while decoding stream/,
  /corrupt decoded frame/,
  /partial file/,
  /File ended prematurely/,
  /Packet corrupt/,
  /Invalid NAL unit size/,
  /Truncating packet/,
  /error while decoding MB/,
  /concealing \d+/,
  // JPEG that was cut off: what is missing is grey.
  /overread \d+/,
  // The first of these in newer ffmpegs (7.0 says so, 5.1 does not).
  /Error submitting packet to decoder/,
  /Decode error rate/,
];

/**
 * By which ffmpeg tells that a file could not be read on, though it is there: it ends then as at the file's end, with status 0.
 */
const UNREADABLE =
  /^file:.*: (Input\/output error|Stale file handle|Transport endpoint is not connected|Connection timed out|No such device|Remote I\/O error|Host is down)$/;

/** What a failed read of a file is in ffmpeg's stderr; undefined when there was none. @param url of the file, as ffmpeg was given it */
export function readFailure(stderr: string, url: string): string | undefined {
  const line = stderr.split('\n').find((candidate) => candidate.startsWith(`${url}: `) && UNREADABLE.test(candidate));
  return line?.slice(url.length + 2);
}

/** What to do about a source whose reading failed. */
export const RESCUE =
  'The disk or the connection failed: rescue the file to another disk first (ddrescue), then upscale the copy.';

/** The error of a source that could not be read to its end. @param when how far it came */
export function unreadableError(path: string, reason: string, when: string): TinySRError {
  return new TinySRError('TSR_INPUT_UNREADABLE', `${path}: could not be read to its end (${reason}) ${when}`, {
    hint: RESCUE,
  });
}

/** Counts, in ffmpeg's stderr, the lines that tell of damage, and keeps the first. */
export class DamageCounter {
  readonly #signs: readonly RegExp[];
  #rest = '';
  /** Damaged places met. */
  count = 0;
  /** The first of them in ffmpeg's words. */
  first: string | undefined;

  /** @param signs lines that tell of damage; those of a decoder when left out */
  constructor(signs = SIGNS) {
    this.#signs = signs;
  }

  /** Takes the next piece of stderr. */
  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-4096);
    for (const line of lines) this.#look(line);
  }

  /** Forgets what was counted. */
  reset(): void {
    this.count = 0;
    this.first = undefined;
  }

  #look(line: string): void {
    if (!this.#signs.some((sign) => sign.test(line))) return;
    this.count += 1;
    this.first ??= line.replace(/^(\[[^\]]*\]\s*)+/, '').trim();
  }
}
