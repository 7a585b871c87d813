import './telemetry.js';
import { Worker } from 'node:worker_threads';
import { TinySRError } from '../shared/errors.js';
import { throwIfStopped } from '../shared/stopped.js';
import { GuardedThread } from './run-guard.js';
import type { SessionSpec, WorkerReply, WorkerRequest } from './session-spec.js';
import type { Provider, UpscaleResult } from './types.js';

interface Waiting {
  resolve(result: UpscaleResult): void;
  reject(error: TinySRError): void;
}

/** Where it was stopped. */
const OPENING = 'stopped while opening the model';

/** Onnxruntime's ways of saying that memory ran out. */
const OUT_OF_MEMORY = /out of memory|failed to allocate|bad_alloc|bfcarena|allocation failed/i;

function inferError(message: string, provider: Provider): TinySRError {
  const line = message.split('\n')[0] ?? message;
  return OUT_OF_MEMORY.test(message)
    ? new TinySRError('TSR_OUT_OF_MEMORY', `inference ran out of memory: ${line}`, {
        hint: 'Give a smaller --tile (for example 256) or --batch 1.',
      })
    : new TinySRError(
        'TSR_INFER_FAILED',
        `inference failed: ${line}`,
        provider === 'cpu' ? {} : { hint: 'Try --device cpu.' },
      );
}

/** @param reason what the thread died of, when it did */
function endedError(reason: string | undefined): TinySRError {
  if (reason === undefined)
    return new TinySRError('TSR_INFER_FAILED', 'the inference worker ended', { hint: 'Run again.' });
  return new TinySRError('TSR_INFER_FAILED', `the runtime cannot be used: ${reason.split('\n')[0]}`, {
    hint: 'Run npm install again; onnxruntime-node needs glibc (not Alpine) and a supported system.',
  });
}

/**
 * Flags for worker threads: those of the process, which they inherit. Where its program is no file but text (`node -e`), Node
 * would take the thread's file for such, too, and refuse it.
 */
function threadFlags(): { execArgv?: string[] } {
  return process.execArgv.some((flag) => flag.startsWith('--input-type')) ? { execArgv: [] } : {};
}

/** A worker thread that loads the runtime: started early, it is ready when the model and the size are known. */
export class InferenceThread {
  readonly #guard = new GuardedThread();
  readonly #worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: this.#guard.cells,
    ...threadFlags(),
  });
  readonly #exited: Promise<string | undefined>;
  #taken = false;

  constructor() {
    let reason: string | undefined;
    // What goes wrong before a session listens, as when the runtime cannot be loaded, is told by the exit.
    this.#worker.on('error', (error) => {
      reason ??= error.message;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#guard.ended();
        resolve(reason);
      });
    });
  }

  /** Hands the thread over; whoever takes it ends it. Once. */
  take(): { readonly worker: Worker; readonly guard: GuardedThread; readonly exited: Promise<string | undefined> } {
    if (this.#taken) throw new Error('the thread has a session already');
    this.#taken = true;
    return { worker: this.#worker, guard: this.#guard, exited: this.#exited };
  }

  /** Ends a thread that nobody took. Idempotent. */
  async close(): Promise<void> {
    if (this.#taken) return;
    this.#worker.postMessage({ kind: 'close' } satisfies WorkerRequest);
    await this.#exited;
  }
}

/** Shared by all webgpu sessions of this process. */
const WEBGPU_LOCK = new Int32Array(new SharedArrayBuffer(4));

/** A session in a worker thread of its own. */
export class WorkerSession {
  readonly #worker: Worker;
  readonly #provider: Provider;
  readonly #exited: Promise<void>;
  readonly #guard: GuardedThread;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #ended: TinySRError | undefined;

  private constructor(thread: InferenceThread, provider: Provider) {
    const { worker, guard, exited } = thread.take();
    this.#worker = worker;
    this.#guard = guard;
    this.#provider = provider;
    this.#exited = exited.then((reason) => this.#end(endedError(reason)));
  }

  /**
   * Opens a session in a thread and waits until it is ready.
   *
   * @param thread passes to the session
   * @throws TinySRError, also `TSR_INTERRUPTED`
   */
  static async open(spec: SessionSpec, signal?: AbortSignal, thread = new InferenceThread()): Promise<WorkerSession> {
    const session = new WorkerSession(thread, spec.provider);
    try {
      await session.#ready(spec);
      throwIfStopped(signal, OPENING);
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  #ready(spec: SessionSpec): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.on('message', (reply: WorkerReply) => {
        if (reply.kind === 'ready') resolve();
        else if (reply.kind === 'failed' && reply.id === undefined) reject(this.#failed(reply.message));
        else this.#settle(reply);
      });
      this.#worker.on('error', (error) => this.#end(this.#failed(`the worker thread died: ${error.message}`)));
      void this.#exited.then(() => reject(this.#ended));
      const lock = spec.provider === 'webgpu' ? WEBGPU_LOCK : undefined;
      this.#worker.postMessage({ kind: 'open', spec, lock } satisfies WorkerRequest);
    });
  }

  #failed(message: string): TinySRError {
    return inferError(message, this.#provider);
  }

  #settle(reply: Exclude<WorkerReply, { kind: 'ready' }>): void {
    if (reply.id === undefined) return;
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.kind === 'done') waiting?.resolve({ output: reply.output, input: reply.input, runMs: reply.runMs });
    else waiting?.reject(this.#failed(reply.message));
  }

  #end(error: TinySRError): void {
    this.#ended ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }

  /**
   * Runs `count` packed frames; the buffer is transferred.
   *
   * @throws TinySRError `TSR_USAGE` when it cannot be, `TSR_INFER_FAILED`, `TSR_OUT_OF_MEMORY`
   */
  run(frames: ArrayBuffer, count: number): Promise<UpscaleResult> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended);
        return;
      }
      const id = this.#nextId++;
      try {
        this.#worker.postMessage({ kind: 'run', id, frames, count } satisfies WorkerRequest, [frames]);
      } catch (cause) {
        const hint = 'Give one made by new ArrayBuffer(): that of WebAssembly or of a small Buffer stays where it is.';
        reject(new TinySRError('TSR_USAGE', 'the buffer cannot be handed to the worker', { hint, cause }));
        return;
      }
      this.#waiting.set(id, { resolve, reject });
    });
  }

  /** Ends the worker after the run it is in; what waits is rejected. Idempotent. */
  async close(): Promise<void> {
    this.#end(new TinySRError('TSR_INFER_FAILED', 'the upscaler was closed'));
    this.#guard.stop();
    this.#worker.postMessage({ kind: 'close' } satisfies WorkerRequest);
    await this.#exited;
  }
}
