import type { Model, Upscaler } from '../../infer/types.js';
import type { RelaySettings } from '../options.js';
import type { PictureSize } from '../rtp/access-unit.js';
import type { BridgePlan } from './plan.js';

/** Sessions kept open: the one in use, the next one, and the one before for the way back. */
const KEPT = 3;

interface Entry {
  readonly model: Model;
  readonly size: PictureSize;
  readonly upscaler: Promise<Upscaler>;
}

/** Opens upscalers and keeps the last ones, as opening takes time and leaves memory behind. */
export class UpscalerCache {
  readonly #settings: Pick<RelaySettings, 'device' | 'threads' | 'openUpscaler'>;
  #entries: Entry[] = [];
  #closing: Promise<unknown>[] = [];
  #closed = false;

  constructor(settings: Pick<RelaySettings, 'device' | 'threads' | 'openUpscaler'>) {
    this.#settings = settings;
  }

  /** An upscaler for a plan's frames. @throws TinySRError when it cannot be opened */
  get({ model, format, work: size }: Pick<BridgePlan, 'model' | 'format' | 'work'>): Promise<Upscaler> {
    if (this.#closed) return Promise.reject(new Error('the bridge is closed'));
    const known = this.#entries.find(
      (entry) => entry.model === model && entry.size.width === size.width && entry.size.height === size.height,
    );
    const { device, threads, openUpscaler } = this.#settings;
    const entry = known ?? {
      model,
      size,
      upscaler: openUpscaler({ model, device, threads, format, ...size, batch: 1 }),
    };
    this.#entries = [entry, ...this.#entries.filter((other) => other !== entry)];
    for (const old of this.#entries.splice(KEPT)) this.#release(old);
    if (!known) entry.upscaler.catch(() => this.drop(entry.upscaler));
    return entry.upscaler;
  }

  /** Forgets one that failed. */
  drop(upscaler: Promise<Upscaler>): void {
    const entry = this.#entries.find((candidate) => candidate.upscaler === upscaler);
    this.#entries = this.#entries.filter((candidate) => candidate !== entry);
    if (entry) this.#release(entry);
  }

  #release(entry: Entry): void {
    const closing = entry.upscaler.then((upscaler) => upscaler.close()).catch(() => undefined);
    this.#closing.push(closing);
    void closing.then(() => {
      this.#closing = this.#closing.filter((other) => other !== closing);
    });
  }

  /** Closes all. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const entry of this.#entries.splice(0)) this.#release(entry);
    await Promise.all(this.#closing);
  }
}
