import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { DeviceLock } from './device-lock.js';
import { Engine } from './engine.js';
import { type GuardCells, RunGuard } from './run-guard.js';
import type { WorkerReply, WorkerRequest } from './session-spec.js';

/** Entry of an inference worker thread: opens one session and runs requests in the order they come. */
const port = parentPort;
if (!port) throw new Error('worker.js runs as a worker thread only');

type Open = Extract<WorkerRequest, { kind: 'open' }>;
type Run = Extract<WorkerRequest, { kind: 'run' }>;

const reply = (message: WorkerReply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const words = (error: unknown) => (error instanceof Error ? error.message : String(error));
const guard = new RunGuard(workerData as GuardCells);
let engine: Engine | undefined;
let device: DeviceLock | undefined;
/** Marks the thread only once it has its turn: waiting for another's is nothing that the process must wait for. */
const inRuntime = <T>(work: () => Promise<T>) => (device ? device.hold(() => guard.during(work)) : guard.during(work));

async function open({ spec, lock }: Open): Promise<void> {
  try {
    device = lock && new DeviceLock(lock);
    await inRuntime(async () => {
      if (!guard.exiting) engine = await Engine.create(spec);
    });
    reply({ kind: 'ready' });
  } catch (error) {
    reply({ kind: 'failed', id: undefined, message: words(error) });
  }
}

async function run({ id, frames, count }: Run): Promise<void> {
  if (guard.stopped) return;
  try {
    const result = await inRuntime(async () => {
      // It may have been stopped while it waited for its turn.
      if (!engine || guard.stopped) return undefined;
      const started = performance.now();
      const output = await engine.run(frames, count, () => guard.stopped);
      return { output, runMs: performance.now() - started };
    });
    if (!result) return;
    const { output, runMs } = result;
    reply({ kind: 'done', id, output, input: frames, runMs }, [output, frames]);
  } catch (error) {
    reply({ kind: 'failed', id, message: words(error) });
  }
}

async function close(): Promise<void> {
  // The end of the thread frees its session too, but while others use the device.
  if (device) await inRuntime(async () => (guard.exiting ? undefined : engine?.release())).catch(() => undefined);
  process.exit(0);
}

let queue = Promise.resolve();
port.on('message', (request: WorkerRequest) => {
  queue = queue.then(() => {
    if (request.kind === 'open') return open(request);
    if (request.kind === 'run') return run(request);
    // Ending the thread while the runtime works would abort the whole process: it ends itself, between two runs.
    return close();
  });
});
