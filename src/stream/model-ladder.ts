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
    const cost = best.macsPerLrPixel ?? Number.POSITIVE_INFINITY;
    const smaller = (await listModels())
      .filter((model) => takesLiveFrames(model) && (model.macsPerLrPixel ?? 0) < cost && model.name !== best.name)
      .sort((a, b) => (b.macsPerLrPixel ?? 0) - (a.macsPerLrPixel ?? 0));
    const provider = await chooseProvider(best, device);
    return { models: [best, ...smaller], gpu: provider !== 'cpu' };
  }
}
