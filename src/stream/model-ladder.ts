import { listModels } from '../infer/manifest.js';
import { chooseProvider } from '../infer/providers.js';
import { DEFAULT_MODEL, resolveModel } from '../infer/resolve-model.js';
import type { Model } from '../infer/types.js';
import { TinySRError } from '../shared/errors.js';
import { liveFormat } from './bridge/plan.js';
import type { RelaySettings } from './options.js';

/** The models a bridge may use, and where they run. */
export interface Ladder {
  /** From the one asked for to the smallest. */
  readonly models: readonly Model[];
  readonly gpu: boolean;
}

/** A step down that saves less than a third is a change of picture for little. */
const WORTH_A_STEP = 2 / 3;

/** Those of `models`, sorted from the most to the least costly, that are worth a step from the one before. */
export function steps(best: Model, models: readonly Model[]): Model[] {
  const taken = [best];
  for (const model of models) {
    const before = taken.at(-1)?.macsPerLrPixel ?? Number.POSITIVE_INFINITY;
    if ((model.macsPerLrPixel ?? Number.POSITIVE_INFINITY) <= WORTH_A_STEP * before) taken.push(model);
  }
  return taken;
}

/** Finds the models of a relay once, when the relay starts. */
export class ModelLadder {
  readonly #settings: RelaySettings;
  #ladder: Promise<Ladder> | undefined;

  constructor(settings: RelaySettings) {
    this.#settings = settings;
  }

  /** The models. @throws TinySRError when the one asked for cannot be used */
  get(): Promise<Ladder> {
    this.#ladder ??= this.#find();
    this.#ladder.catch(() => {
      this.#ladder = undefined;
    });
    return this.#ladder;
  }

  async #find(): Promise<Ladder> {
    const { model: name, device } = this.#settings;
    const best = await resolveModel(name);
    if (!liveFormat(best)) {
      throw new TinySRError('TSR_MODEL_UNSUPPORTED', `${best.name} has no graph for live frames`, {
        hint: 'Live streams need a graph for 8-bit frames: tinysr-video models lists those that ship.',
      });
    }
    const shipped = (await listModels()).sort((a, b) => (b.macsPerLrPixel ?? 0) - (a.macsPerLrPixel ?? 0));
    // What a model of somebody's own costs is not known: those for speed come after it.
    const fastest = shipped.findIndex(({ name }) => name === DEFAULT_MODEL);
    const others = best.macsPerLrPixel === undefined ? shipped.slice(fastest) : shipped;
    const provider = await chooseProvider(best, device);
    return { models: steps(best, others), gpu: provider !== 'cpu' };
  }
}
