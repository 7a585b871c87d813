import { listModels } from '../infer/manifest.js';
import { chooseProvider } from '../infer/providers.js';
import { resolveModel } from '../infer/resolve-model.js';
import type { Model } from '../infer/types.js';
import { TinySRError } from '../shared/errors.js';
import type { RelaySettings } from './options.js';

/** The models a bridge may use, and where they run. */
export interface Ladder {
  /** From the one asked for to the smallest. */
  readonly models: readonly Model[];
  readonly gpu: boolean;
}

function takesLiveFrames(model: Model): boolean {
  return model.variants.some(({ format }) => format === 'yuv420p');
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
    if (!takesLiveFrames(best)) {
      throw new TinySRError('TSR_MODEL_UNSUPPORTED', `${best.name} has no graph for yuv420p frames`, {
        hint: 'Live streams need a model that ships, or one whose graph takes raw yuv420p frames.',
      });
    }
    const others = (await listModels())
      .filter(takesLiveFrames)
      .sort((a, b) => (b.macsPerLrPixel ?? 0) - (a.macsPerLrPixel ?? 0));
    const provider = await chooseProvider(best, device);
    return { models: steps(best, others), gpu: provider !== 'cpu' };
  }
}
