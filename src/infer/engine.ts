import './telemetry.js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type FrameLayout, frameLayout, isSubsampled, sampleBytes } from '../shared/layout.js';
import { Finish } from './finish.js';
import { ForeignGraphs } from './foreign-graphs.js';
import { adapterPath } from './paths.js';
import type { SessionSpec } from './session-spec.js';
import { Tiler } from './tiler.js';
import type { Provider } from './types.js';

/**
 * Session options: threads that do not spin, as ffmpeg wants the cores between two runs.
 *
 * @param asWritten run the graph without optimisations: a reference to check others against
 */
export function sessionOptions(
  provider: Provider,
  threads: number,
  asWritten = false,
): InferenceSession.SessionOptions {
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: asWritten ? 'disabled' : 'all',
    logSeverityLevel: 4,
    extra: { session: { intra_op: { allow_spinning: '0' }, force_spinning_stop: '1' } },
  };
}

function first(names: readonly string[]): string {
  const [name] = names;
  if (name === undefined) throw new Error('the graph has no input or output');
  return name;
}

/** Runs frames of one size through one model. Lives in a worker: a run blocks its thread. */
export class Engine {
  readonly #spec: SessionSpec;
  readonly #model: InferenceSession;
  readonly #foreign: ForeignGraphs | undefined;
  readonly #tiler: Tiler | undefined;
  readonly #finish: Finish | undefined;

  private constructor(
    spec: SessionSpec,
    model: InferenceSession,
    foreign: ForeignGraphs | undefined,
    blend: InferenceSession | undefined,
    finish: Finish | undefined,
  ) {
    this.#spec = spec;
    this.#model = model;
    this.#foreign = foreign;
    this.#finish = finish;
    this.#tiler = blend && spec.tile ? new Tiler(spec, spec.tile, blend) : undefined;
  }

  /** Opens the sessions. @throws Error with onnxruntime's words */
  static async create(spec: SessionSpec): Promise<Engine> {
    const onCpu = (file: string) => InferenceSession.create(file, sessionOptions('cpu', spec.threads));
    const cpu = (name: string) => onCpu(adapterPath(name));
    const options = sessionOptions(spec.provider, spec.threads, spec.asWritten);
    const model = await InferenceSession.create(spec.file, options);
    const bits = sampleBytes(spec.format) * 8;
    const foreign = spec.contract && (await ForeignGraphs.open(spec.contract, bits, cpu));
    const finish = spec.finish
      ? new Finish({
          before: await cpu(`frame${bits}-to-nhwc-float32`),
          graph: await onCpu(spec.finish),
          after: await cpu(`nhwc-float32-to-frame${bits}`),
        })
      : undefined;
    return new Engine(spec, model, foreign, spec.tile && (await cpu(`blend${bits}`)), finish);
  }

  /**
   * Upscales `count` packed frames.
   *
   * @param stopped asked before each tile: a frame of many may take minutes
   * @throws Error with onnxruntime's words, or when it was stopped
   */
  async run(frames: ArrayBuffer, count: number, stopped = () => false): Promise<ArrayBuffer> {
    const { width, height, format, scale } = this.#spec;
    const pixels = new Uint8Array(frames);
    const input = frameLayout(format, width, height);
    const upscaled = this.#tiler
      ? await this.#tiler.run(pixels, count, async (tile, layout) => {
          if (stopped()) throw new Error('stopped');
          return this.#infer(tile, 1, layout);
        })
      : await this.#infer(pixels, count, input);
    const output = frameLayout(format, width * scale, height * scale);
    await this.#finish?.run(pixels, input, upscaled, output, count);
    return upscaled;
  }

  /** Frees what it holds of the device. */
  release(): Promise<void> {
    return this.#model.release();
  }

  /** One run of the model over `count` pictures of the same layout. */
  async #infer(pictures: Uint8Array, count: number, layout: FrameLayout): Promise<ArrayBuffer> {
    const { format, width, height, bytes } = layout;
    const samples = pictures.subarray(0, count * bytes);
    const dims = isSubsampled(format) ? [count, (height * 3) / 2, width] : [count, height, width, 3];
    const frame =
      sampleBytes(format) === 1
        ? new Tensor('uint8', samples, dims)
        : new Tensor('uint16', new Uint16Array(samples.buffer, samples.byteOffset, samples.length / 2), dims);
    const result = await this.#through(frame);
    const data = result.data as Uint8Array | Uint16Array;
    const expected = count * bytes * this.#spec.scale ** 2;
    if (data.byteLength !== expected) {
      throw new Error(
        `the model gave ${data.byteLength} bytes for ${count} frames of ${width}x${height}, not ${expected}`,
      );
    }
    if (data.byteOffset === 0 && data.buffer.byteLength === expected) return data.buffer as ArrayBuffer;
    return data.slice().buffer as ArrayBuffer;
  }

  #through(frame: Tensor): Promise<Tensor> {
    const model = (tensor: Tensor) => runOne(this.#model, { [first(this.#model.inputNames)]: tensor });
    return this.#foreign ? this.#foreign.run(frame, model) : model(frame);
  }
}

/** Runs a session of one output. */
export async function runOne(session: InferenceSession, feeds: Record<string, Tensor>): Promise<Tensor> {
  const results = await session.run(feeds);
  const output = results[first(session.outputNames)];
  if (!output) throw new Error('the graph gave no output');
  return output as Tensor;
}
