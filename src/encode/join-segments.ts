import { createReadStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type RunningChild, startChild } from '../shared/child.js';
import { DamageCounter } from '../shared/damage.js';
import { toTinySRError } from '../shared/errors.js';
import { toolPath } from '../shared/ffmpeg.js';
import { encodeArguments } from './command.js';
import { encodeError } from './encode-error.js';
import type { EncodePlan } from './plan.js';
import { trackSigns } from './track-damage.js';

/** @param taken called before each piece of data with the bytes that were taken before it */
async function* bytesOf(files: readonly string[], taken: (bytes: number) => void): AsyncGenerator<Buffer> {
  let bytes = 0;
  for (const file of files) {
    for await (const data of createReadStream(file, { highWaterMark: 1 << 20 })) {
      taken(bytes);
      yield data as Buffer;
      bytes += (data as Buffer).length;
    }
  }
  taken(bytes);
}

/** Writes segments of the picture, one behind the other, with the source's other tracks: nothing is encoded again. */
export class SegmentJoiner {
  readonly #plan: EncodePlan;
  readonly #child: RunningChild;
  readonly #damage: DamageCounter;

  /**
   * Starts the muxer.
   *
   * @param target path to write
   */
  constructor(plan: EncodePlan, target: string) {
    this.#plan = plan;
    this.#child = startChild(toolPath('ffmpeg'), encodeArguments(plan, target, 'segments'), ['pipe', 'ignore', 'pipe']);
    this.#damage = new DamageCounter(trackSigns(plan));
    this.#child.process.stderr?.on('data', (text: string) => this.#damage.push(text));
  }

  /** Damaged places met in tracks that are converted. */
  get damage(): { readonly count: number; readonly first: string | undefined } {
    return this.#damage;
  }

  /**
   * Joins and waits for the finished file.
   *
   * @param files segments in their order
   * @param taken told how many of their bytes the muxer has taken
   * @throws TinySRError as of the encoder; `TSR_INTERNAL` for a segment that cannot be read
   */
  async join(files: readonly string[], taken: (bytes: number) => void): Promise<void> {
    const given = pipeline(bytesOf(files, taken), this.#child.process.stdin as Writable).catch(
      (error: unknown) => error,
    );
    const exit = await this.#child.exit;
    const { output, encoder, source, container } = this.#plan;
    const failure = encodeError(output, encoder, exit, { source: source.path, muxer: container.muxer });
    if (failure) throw failure;
    const unread = await given;
    if (unread) throw toTinySRError(unread);
  }

  /** Ends the muxer at once. Idempotent. */
  async close(): Promise<void> {
    await this.#child.kill();
  }
}
