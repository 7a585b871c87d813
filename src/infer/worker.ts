import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { Engine } from './engine.js';
import type { WorkerReply, WorkerRequest, WorkerStart } from './session-spec.js';

/** Entry of an inference worker thread: opens one session and runs requests in the order they come. */
const port = parentPort;
if (!port) throw new Error('worker.js runs as a worker thread only');

const reply = (message: WorkerReply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const words = (error: unknown) => (error instanceof Error ? error.message : String(error));

try {
  const { spec, stop } = workerData as WorkerStart;
  const engine = await Engine.create(spec);
  let queue = Promise.resolve();
  const run = async (request: Extract<WorkerRequest, { kind: 'run' }>) => {
    const { id, frames, count } = request;
    if (Atomics.load(stop, 0)) return;
    try {
      const started = performance.now();
      const output = await engine.run(frames, count);
      reply({ kind: 'done', id, output, input: frames, runMs: performance.now() - started }, [output, frames]);
    } catch (error) {
      reply({ kind: 'failed', id, message: words(error) });
    }
  };
  port.on('message', (request: WorkerRequest) => {
    // Ending the thread while the runtime works would abort the whole process: it ends itself, between two runs.
    queue = queue.then(() => (request.kind === 'run' ? run(request) : process.exit(0)));
  });
  reply({ kind: 'ready' });
} catch (error) {
  reply({ kind: 'failed', id: undefined, message: words(error) });
}
