import { performance } from 'node:perf_hooks';

/** Numbers shared by an inference thread and the one that started it. */
export type GuardCells = Int32Array<SharedArrayBuffer>;

/** Cell: what the thread is to do, one of {@link Phase}. */
const PHASE = 0;
/** Cell: 1 while the thread is in the runtime. */
const BUSY = 1;

const Phase = { work: 0, close: 1, exit: 2 } as const;

/**
 * Longest time in milliseconds that the end of the process waits for all runs under way. It costs nothing: the end of a
 * thread waits for the runtime in any case.
 */
const EXIT_MS = 10_000;

/** The thread's side: marks when it is in the runtime, and knows when it is to begin nothing more. */
export class RunGuard {
  readonly #cells: GuardCells;

  constructor(cells: GuardCells) {
    this.#cells = cells;
  }

  /** Whether no run is to be begun: the session is to be closed, or the process ends. */
  get stopped(): boolean {
    return Atomics.load(this.#cells, PHASE) !== Phase.work;
  }

  /** Whether the process ends, so that the runtime is not to be called at all. */
  get exiting(): boolean {
    return Atomics.load(this.#cells, PHASE) === Phase.exit;
  }

  /**
   * Does work in the runtime. What forbids it is asked in `work`: once the thread is marked, the end of the process waits
   * for it; before, it does not.
   */
  async during<T>(work: () => Promise<T>): Promise<T> {
    Atomics.store(this.#cells, BUSY, 1);
    try {
      return await work();
    } finally {
      Atomics.store(this.#cells, BUSY, 0);
      Atomics.notify(this.#cells, BUSY);
    }
  }
}

/** Threads that the end of the process has to wait for. */
const watched = new Set<GuardCells>();
let listening = false;

/**
 * Lets all threads finish the run they are in. Node ends threads wherever they are, and the runtime, called back by a
 * thread that is being ended, aborts the process: its exit status would be lost.
 */
function awaitRuns(): void {
  const until = performance.now() + EXIT_MS;
  for (const cells of watched) Atomics.store(cells, PHASE, Phase.exit);
  for (const cells of watched) {
    while (Atomics.load(cells, BUSY) === 1) {
      const left = until - performance.now();
      if (left <= 0) return;
      Atomics.wait(cells, BUSY, 1, left);
    }
  }
}

/** The side of whoever starts the thread. */
export class GuardedThread {
  /** For the thread's {@link RunGuard}. */
  readonly cells: GuardCells = new Int32Array(new SharedArrayBuffer(8));

  /** Has the end of the process, by `process.exit()` or an error nobody caught, wait for the thread's run. */
  constructor() {
    // Not a last resort of those that signals run, too: a process that dies by a signal ends no threads.
    if (!listening) process.on('exit', awaitRuns);
    listening = true;
    watched.add(this.cells);
  }

  /** Lets the thread begin no run any more. */
  stop(): void {
    Atomics.compareExchange(this.cells, PHASE, Phase.work, Phase.close);
  }

  /** Once the thread has ended. */
  ended(): void {
    watched.delete(this.cells);
  }
}
