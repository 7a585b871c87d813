import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { type FrameLayout, sampleBytes } from '../shared/layout.js';
import { runOne } from './engine.js';

/** The three graphs of a finish: two adapters around the model's own. */
export interface FinishGraphs {
  /** `frameN-to-nhwc-float32`. */
  readonly before: InferenceSession;
  /** Takes `source` and `target`, float32 [1, h, w, 3] in 0..1, and gives a picture of the target's shape. */
  readonly graph: InferenceSession;
  /** `nhwc-float32-to-frameN`. */
  readonly after: InferenceSession;
}

/**
 * Corrects whole frames after the model, however they were cut for it: a colour fix that needs the mean of a frame, say.
 * Takes packed RGB; runs on the CPU.
 */
export class Finish {
  readonly #graphs: FinishGraphs;

  constructor(graphs: FinishGraphs) {
    this.#graphs = graphs;
  }

  /**
   * Corrects `count` upscaled frames in place.
   *
   * @param frames what the model was given, packed
   * @param upscaled what it made of them, packed
   */
  async run(frames: Uint8Array, input: FrameLayout, upscaled: ArrayBuffer, output: FrameLayout, count: number) {
    const result = new Uint8Array(upscaled);
    for (let index = 0; index < count; index += 1) {
      const source = await this.#widened(frames.subarray(index * input.bytes, (index + 1) * input.bytes), input);
      const own = result.subarray(index * output.bytes, (index + 1) * output.bytes);
      const fixed = await runOne(this.#graphs.graph, { source, target: await this.#widened(own, output) });
      const { data } = await runOne(this.#graphs.after, { tensor: fixed, gain: gain(white(output)) });
      const samples = data as Uint8Array | Uint16Array;
      if (samples.byteLength !== output.bytes) throw new Error("the model's finish changed the size of the frame");
      own.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
    }
  }

  /** A packed frame as floats in 0..1. */
  #widened(pixels: Uint8Array, layout: FrameLayout): Promise<Tensor> {
    const dims = [1, layout.height, layout.width, 3];
    const frame =
      sampleBytes(layout.format) === 1
        ? new Tensor('uint8', pixels, dims)
        : new Tensor('uint16', new Uint16Array(pixels.slice().buffer), dims);
    return runOne(this.#graphs.before, { frame, gain: gain(1 / white(layout)) });
  }
}

const white = (layout: FrameLayout) => (1 << (8 * sampleBytes(layout.format))) - 1;
const gain = (value: number) => new Tensor('float32', Float32Array.of(value), []);
