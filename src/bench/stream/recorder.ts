import type { BridgeStats } from '../../stream/bridge/bridge.js';
import { type Measured, measured, percentile } from '../statistics.js';
import type { StreamLevel, StreamPicture, StreamRow } from './types.js';

/** Pictures kept for a chart. */
const MOST_PICTURES = 400;
/** Parts of the window, whose rates show how steady it was. */
const PARTS = 4;

type Counts = Pick<BridgeStats, 'framesIn' | 'displaced' | 'paced'>;

function sameLevel(a: StreamLevel, b: StreamLevel): boolean {
  return a.model === b.model && a.maxFps === b.maxFps && a.work === b.work && a.output === b.output;
}

/** Every n-th of a list, so that no more than `most` are left. */
function thinned<T>(list: readonly T[], most: number): T[] {
  const step = Math.max(1, Math.ceil(list.length / most));
  return list.filter((_, index) => index % step === 0);
}

/** What a recorder makes of a run. */
export type Recorded = Pick<
  StreamRow,
  | 'fpsIn'
  | 'fps'
  | 'ageMs'
  | 'framesIn'
  | 'framesOut'
  | 'displaced'
  | 'paced'
  | 'firstPictureMs'
  | 'settled'
  | 'levels'
  | 'pictures'
>;

/** Notes what comes out of a bridge and how hard it works. Times are seconds from the first packet. */
export class Recorder {
  readonly #pictures: StreamPicture[] = [];
  readonly #levels: StreamLevel[] = [];
  #atWindow: { readonly at: number; readonly counts: Counts } | undefined;

  /** An upscaled picture went out. */
  picture(at: number, ageMs: number): void {
    this.#pictures.push({ at, ageMs });
  }

  /** What the bridge says of itself; levels are noted when they change. */
  look(at: number, { model, maxFps, sizeShare, work, output }: BridgeStats): void {
    if (model === undefined || work === undefined || output === undefined) return;
    const level: StreamLevel = { at, model, maxFps: maxFps ?? null, sizeShare, work, output };
    const last = this.#levels.at(-1);
    if (!last || !sameLevel(last, level)) this.#levels.push(level);
  }

  /** The part that is measured begins. */
  beginWindow(at: number, counts: Counts): void {
    this.#atWindow = { at, counts };
  }

  /** Sums up; `at` is the end. */
  finish(at: number, counts: Counts): Recorded {
    const { at: from, counts: before } = this.#atWindow ?? { at: 0, counts: { framesIn: 0, displaced: 0, paced: 0 } };
    const inside = this.#pictures.filter((picture) => picture.at >= from && picture.at <= at);
    const ages = inside.map(({ ageMs }) => ageMs);
    const framesIn = counts.framesIn - before.framesIn;
    const [first] = this.#pictures;
    return {
      ...{ fpsIn: framesIn / (at - from), fps: this.#rates(inside, from, at) },
      ageMs: { p50: percentile(ages, 0.5), p95: percentile(ages, 0.95), p99: percentile(ages, 0.99) },
      ...{ framesIn, framesOut: inside.length },
      ...{ displaced: counts.displaced - before.displaced, paced: counts.paced - before.paced },
      firstPictureMs: (first?.at ?? Number.NaN) * 1000,
      settled: this.#levels.every((level, index) => index === 0 || level.at < from),
      ...{ levels: this.#levels, pictures: thinned(this.#pictures, MOST_PICTURES) },
    };
  }

  #rates(inside: readonly StreamPicture[], from: number, to: number): Measured {
    const length = (to - from) / PARTS;
    const counts = new Array<number>(PARTS).fill(0);
    for (const { at } of inside) {
      const part = Math.min(PARTS - 1, Math.floor((at - from) / length));
      counts[part] = (counts[part] ?? 0) + 1;
    }
    const rates = measured(counts.map((count) => count / length));
    // The middle of four rates is not what was sustained: all frames of the window are.
    return { ...rates, median: inside.length / (to - from) };
  }
}
