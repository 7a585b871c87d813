import { afterEach, describe, expect, it } from 'vitest';
import { Encoder } from '#src/stream/bridge/encoder.js';
import { outputBitrate } from '#src/stream/bridge/encoder-process.js';
import type { CodedPicture } from '#src/stream/bridge/ivf.js';

const SIZE = { width: 320, height: 180 };
/** Seconds of stream time after which another ffmpeg must have taken over, however slowly it starts. */
const MOST_SECONDS = 90;

/** Frames that cost more bits than there are: a pattern that moves, with fresh noise. */
class Frames {
  readonly #noise = new Uint8Array(1 << 18);
  #count = 0;

  constructor() {
    let seed = 1;
    for (let i = 0; i < this.#noise.length; i += 1) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      this.#noise[i] = (seed >> 20) & 31;
    }
  }

  next(): Uint8Array {
    const { width, height } = SIZE;
    const frame = new Uint8Array((width * height * 3) / 2).fill(128);
    this.#count += 1;
    const offset = (Math.imul(this.#count, 2_654_435_761) >>> 0) % (this.#noise.length - width * height);
    for (let i = 0; i < width * height; i += 1) {
      frame[i] = 100 + ((i + 3 * this.#count) & 63) + (this.#noise[offset + i] ?? 0);
    }
    return frame;
  }
}

/** An encoder that is fed frames of any rate, on the clock of the stream. */
class Feed {
  readonly pictures: CodedPicture[] = [];
  readonly written: number[] = [];
  readonly encoder: Encoder;
  readonly #frames = new Frames();
  #timeMs = 0;

  constructor(codec: 'h264' | 'vp8') {
    this.encoder = new Encoder({
      ...{ codec, format: 'yuv420p', source: SIZE, target: SIZE },
      picture: (picture) => this.pictures.push(picture),
      ended: (error) => {
        throw error;
      },
    });
  }

  async #frame(fps: number): Promise<void> {
    const { timeMs, accepted } = this.encoder.write(this.#frames.next(), Math.round(this.#timeMs), false);
    this.written.push(timeMs);
    await accepted;
    await this.encoder.room(1);
    this.#timeMs += 1000 / fps;
  }

  /** Feeds until another ffmpeg has taken over, or long enough for that. @returns the time of its first frame */
  async untilChange(fps: number): Promise<number | undefined> {
    const { pid } = this.encoder;
    for (let i = 0; i < MOST_SECONDS * fps && this.encoder.pid === pid; i += 1) await this.#frame(fps);
    return this.written.at(-1);
  }

  /** Feeds for so long, and says how many bits a second of stream time came out as a share of what should. */
  async share(fps: number, seconds: number): Promise<number> {
    await this.encoder.room(0);
    const before = this.pictures.length;
    for (let i = 0; i < seconds * fps; i += 1) await this.#frame(fps);
    await this.encoder.room(0);
    const units = this.pictures.slice(before).flatMap((picture) => picture.units);
    return (units.reduce((sum, { length }) => sum + length, 0) * 8) / seconds / outputBitrate(SIZE);
  }
}

describe('encoder', () => {
  let feed: Feed | undefined;
  afterEach(() => feed?.encoder.close());

  it('holds the bit rate of H.264 at any rate of frames, and loses none when that changes', async () => {
    feed = new Feed('h264');
    const usual = await feed.share(30, 3);
    const faster = await feed.untilChange(60);
    const twice = await feed.share(60, 3);
    const slower = await feed.untilChange(30);
    const again = await feed.share(30, 3);
    for (const share of [usual, twice, again]) {
      expect(share).toBeGreaterThan(0.7);
      expect(share).toBeLessThan(1.4);
    }
    expect(feed.pictures.map(({ timeMs }) => timeMs)).toEqual(feed.written);
    expect(feed.written).toEqual([...new Set(feed.written)].sort((a, b) => a - b));
    const keys = feed.pictures.filter(({ key }) => key).map(({ timeMs }) => timeMs);
    expect(keys).toEqual(expect.arrayContaining([0, faster, slower]));
  });

  it('holds the bit rate of VP8, which looks at times, with one ffmpeg', async () => {
    feed = new Feed('vp8');
    const { pid } = feed.encoder;
    for (const fps of [30, 60]) {
      const share = await feed.share(fps, 3);
      expect(share).toBeGreaterThan(0.6);
      expect(share).toBeLessThan(1.6);
    }
    expect(feed.encoder.pid).toBe(pid);
  });
});
