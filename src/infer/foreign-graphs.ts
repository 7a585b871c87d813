import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { runOne } from './engine.js';
import type { TensorContract } from './types.js';

/** Takes a tensor through the model. */
export type ModelRun = (tensor: Tensor) => Promise<Tensor>;

/** A step from RGB frames to others that the model's own tensors are made of, and back. */
type Step = (frame: Tensor, inner: ModelRun) => Promise<Tensor>;

/** Opens a small graph of ours by its name, on the CPU. */
export type OpenAdapter = (name: string) => Promise<InferenceSession>;

const gain = (value: number) => new Tensor('float32', Float32Array.of(value), []);

/** A model that takes blue first gives it first, too. */
async function bgr(bits: number, open: OpenAdapter): Promise<Step> {
  const swap = await open(`swap${bits}`);
  return async (frame, inner) => runOne(swap, { frame: await inner(await runOne(swap, { frame })) });
}

/** A model that knows luma only: the colours of the frame are enlarged linearly and laid over what it gives. */
async function grey(bits: number, open: OpenAdapter): Promise<Step> {
  const [before, after] = [await open(`luma${bits}`), await open(`colours${bits}`)];
  return async (frame, inner) => {
    const luma = await runOne(before, { frame });
    return runOne(after, { frame, luma, enlarged: await inner(luma) });
  };
}

const STEPS = { rgb: undefined, bgr, grey };

/** The small graphs that stand around a model of somebody else. */
export class ForeignGraphs {
  readonly #range: number;
  readonly #white: number;
  readonly #before: InferenceSession;
  readonly #after: InferenceSession;
  readonly #step: Step | undefined;

  private constructor(
    { range, white }: { readonly range: number; readonly white: number },
    [before, after]: readonly [InferenceSession, InferenceSession],
    step: Step | undefined,
  ) {
    this.#range = range;
    this.#white = white;
    this.#before = before;
    this.#after = after;
    this.#step = step;
  }

  /**
   * Opens the graphs.
   *
   * @param bits of a frame's sample: 8 or 16
   * @throws Error with onnxruntime's words
   */
  static async open(
    { layout, type, channels, range }: TensorContract,
    bits: number,
    open: OpenAdapter,
  ): Promise<ForeignGraphs> {
    const suffix = `${layout}-${type}`;
    const around = [await open(`frame${bits}-to-${suffix}`), await open(`${suffix}-to-frame${bits}`)] as const;
    return new ForeignGraphs({ range, white: 2 ** bits - 1 }, around, await STEPS[channels]?.(bits, open));
  }

  /** Takes frames [N, h, w, 3] through the model and gives frames [N, scale * h, scale * w, 3]. */
  run(frame: Tensor, model: ModelRun): Promise<Tensor> {
    const inner = (own: Tensor) => this.#through(own, model);
    return this.#step ? this.#step(frame, inner) : inner(frame);
  }

  async #through(frame: Tensor, model: ModelRun): Promise<Tensor> {
    const tensor = await runOne(this.#before, { frame, gain: gain(this.#range / this.#white) });
    return runOne(this.#after, { tensor: await model(tensor), gain: gain(this.#white / this.#range) });
  }
}
