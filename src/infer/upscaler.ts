import { availableParallelism } from 'node:os';
import { frameLayout } from '../shared/layout.js';
import { throwIfStopped } from '../shared/stopped.js';
import { checkFrames, checkUpscalerOptions } from './check-upscaler.js';
import { chooseVariant } from './choose-variant.js';
import { runBytes, usableMemory } from './memory.js';
import { chooseProvider } from './providers.js';
import { SessionPool } from './session-pool.js';
import { tileSpec } from './tile-spec.js';
import type { Provider, UpscaleResult, Upscaler, UpscalerOptions } from './types.js';
import type { InferenceThread } from './worker-session.js';

/** Pixels a batch aims at on a GPU: enough to fill it, few enough to keep latency low. */
const GPU_BATCH_PIXELS = 1 << 20;

/** The same for CPUs, whose caches a batch must not outgrow: it saves what a run costs beside its arithmetic. */
const CPU_BATCH_PIXELS = 1 << 18;
/** … of each of several sessions, which share the caches. */
const SHARED_BATCH_PIXELS = 1 << 17;

/** Most frames of a batch: on a CPU few frames save most of that, and the first result should not wait for many. */
const MOST = { cpu: 4, gpu: 8 } as const;

/** Most sessions side by side: beyond that, main thread and memory are what is short. */
const MOST_SESSIONS = 8;

function batchFor(options: UpscalerOptions, provider: Provider, tiled: boolean, shared: boolean): number {
  if (options.batch !== undefined) return options.batch;
  if (tiled) return 1;
  const pixels = options.width * options.height;
  const byMemory = Math.floor((usableMemory() * 0.1) / runBytes(options.model, pixels));
  const cpuAim = shared ? SHARED_BATCH_PIXELS : CPU_BATCH_PIXELS;
  const [most, aim] = provider === 'cpu' ? [MOST.cpu, cpuAim] : [MOST.gpu, GPU_BATCH_PIXELS];
  return Math.max(1, Math.min(most, byMemory, Math.floor(aim / pixels)));
}

/** Sessions side by side: one a thread, as far as the memory allows. */
function sessionsFor({ parallel = false, model, width, height }: UpscalerOptions, threads: number, batch: number) {
  if (!parallel) return 1;
  const byMemory = Math.floor((usableMemory() * 0.25) / (runBytes(model, width * height) * batch));
  return Math.max(1, Math.min(threads, MOST_SESSIONS, byMemory));
}

/**
 * Opens a model in a thread that was started before.
 *
 * @param thread passes to the upscaler; undefined: one is started
 * @throws TinySRError as {@link createUpscaler}
 */
export async function openUpscaler(options: UpscalerOptions, thread?: InferenceThread): Promise<Upscaler> {
  checkUpscalerOptions(options);
  const { model, format, width, height, signal } = options;
  throwIfStopped(signal);
  const provider = await chooseProvider(model, options.device, signal);
  const variant = chooseVariant(model, format, provider, options.precision ?? 'auto');
  const tile = tileSpec(options);
  const input = frameLayout(format, width, height);
  const output = frameLayout(format, width * model.scale, height * model.scale);
  const threads = options.threads ?? availableParallelism();
  const most = (tile ? undefined : model.batch) ?? Number.POSITIVE_INFINITY;
  const batch = Math.min(
    most,
    batchFor(options, provider, tile !== undefined, options.parallel === true && threads > 1),
  );
  const sessions = provider === 'cpu' && tile === undefined ? sessionsFor(options, threads, batch) : 1;
  const session = await SessionPool.open(
    {
      file: variant.file,
      contract: variant.contract,
      finish: variant.finish,
      format,
      provider,
      width,
      height,
      scale: model.scale,
      threads,
      tile,
    },
    sessions,
    signal,
    thread,
  );
  const underWay = new Set<Promise<UpscaleResult>>();
  const close = () => {
    // Whoever closes knows that they fail: nobody has to wait for them, as when an error ended what would have.
    for (const run of underWay) run.catch(() => undefined);
    return session.close();
  };
  return {
    model,
    provider,
    precision: variant.precision,
    input,
    output,
    batch,
    sessions,
    concurrency: 2 * sessions,
    tile: tile && Math.max(tile.width, tile.height),
    upscale(frames, count) {
      try {
        checkFrames(frames, count, batch, input);
      } catch (error) {
        return Promise.reject(error);
      }
      const run = async () => {
        try {
          return await session.run(frames, count);
        } finally {
          underWay.delete(running);
        }
      };
      const running = run();
      underWay.add(running);
      return running;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Opens a model in worker threads.
 *
 * @throws TinySRError `TSR_USAGE` for options out of range and frames that the model does not take, before anything is
 * opened; `TSR_MODEL_UNSUPPORTED`, `TSR_DEVICE_*`, `TSR_INFER_FAILED`; `TSR_INTERRUPTED` when the signal stops it
 */
// Of one argument: `map` would hand it a number for a thread.
export function createUpscaler(options: UpscalerOptions): Promise<Upscaler> {
  return openUpscaler(options);
}
