import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { Engine } from './engine.js';
import type { SessionSpec, WorkerReply, WorkerRequest } from './session-spec.js';

/** Entry of an inference worker thread: opens one session and runs requests in the order they come. */
const port = parentPort;
if (!port) throw new Error('worker.js runs as a worker thread only');

const reply = (message: WorkerReply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const words = (error: unknown) => (error instanceof Error ? error.message : String(error));

try {
  const engine = await Engine.create(workerData as SessionSpec);
  let queue = Promise.resolve();
  port.on('message', ({ id, frames, count }: WorkerRequest) => {
    queue = queue.then(async () => {
      try {
        const started = performance.now();
        const output = await engine.run(frames, count);
        reply({ kind: 'done', id, output, input: frames, runMs: performance.now() - started }, [output, frames]);
      } catch (error) {
        reply({ kind: 'failed', id, message: words(error) });
      }
    });
  });
  reply({ kind: 'ready' });
} catch (error) {
  reply({ kind: 'failed', id: undefined, message: words(error) });
}
