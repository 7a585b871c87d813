import { performance } from 'node:perf_hooks';
import { parentPort } from 'node:worker_threads';
import { DeviceLock } from './device-lock.js';
import { Engine } from './engine.js';
import type { WorkerReply, WorkerRequest } from './session-spec.js';

/** Entry of an inference worker thread: opens one session and runs requests in the order they come. */
const port = parentPort;
if (!port) throw new Error('worker.js runs as a worker thread only');

type Open = Extract<WorkerRequest, { kind: 'open' }>;
type Run = Extract<WorkerRequest, { kind: 'run' }>;

const reply = (message: WorkerReply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const words = (error: unknown) => (error instanceof Error ? error.message : String(error));
let session: { readonly engine: Engine; readonly stop: Open['stop'] } | undefined;
let device: DeviceLock | undefined;
const inTurn = <T>(work: () => Promise<T>) => (device ? device.hold(work) : work());

async function open({ spec, stop, lock }: Open): Promise<void> {
  try {
    device = lock && new DeviceLock(lock);
    session = { engine: await inTurn(() => Engine.create(spec)), stop };
    reply({ kind: 'ready' });
  } catch (error) {
    reply({ kind: 'failed', id: undefined, message: words(error) });
  }
}

async function run({ id, frames, count }: Run): Promise<void> {
  if (!session || Atomics.load(session.stop, 0)) return;
  try {
    const { engine } = session;
    const { output, runMs } = await inTurn(async () => {
      const started = performance.now();
      return { output: await engine.run(frames, count), runMs: performance.now() - started };
    });
    reply({ kind: 'done', id, output, input: frames, runMs }, [output, frames]);
  } catch (error) {
    reply({ kind: 'failed', id, message: words(error) });
  }
}

async function close(): Promise<void> {
  const engine = session?.engine;
  // The end of the thread frees its session too, but while others use the device.
  if (device && engine) await device.hold(() => engine.release()).catch(() => undefined);
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
