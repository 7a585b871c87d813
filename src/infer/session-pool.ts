import type { SessionSpec } from './session-spec.js';
import type { UpscaleResult } from './types.js';
import { type InferenceThread, WorkerSession } from './worker-session.js';

interface Member {
  readonly session: WorkerSession;
  underWay: number;
}

/**
 * Sessions of one model that share its runs: each with threads of its own, so that none waits at the end of every layer
 * for a thread that ffmpeg has displaced. Results come in the order of the calls.
 */
export class SessionPool {
  readonly #members: Member[] = [];
  readonly #opening: Promise<void>[];
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(first: WorkerSession, others: readonly Promise<WorkerSession>[]) {
    this.#join(first);
    // The first frame waits for none of them; one that cannot be opened is done without.
    this.#opening = others.map((other) =>
      other.then(
        (session) => (this.#closed ? session.close() : this.#join(session)),
        () => undefined,
      ),
    );
  }

  /**
   * Opens `count` sessions, which share the spec's threads; resolves when one is ready.
   *
   * @param thread passes to the first one
   * @throws TinySRError as {@link WorkerSession.open}
   */
  static async open(
    spec: SessionSpec,
    count: number,
    signal?: AbortSignal,
    thread?: InferenceThread,
  ): Promise<SessionPool> {
    // Where they do not divide, some sessions have one more.
    const own = (index: number): SessionSpec => ({ ...spec, threads: Math.floor((spec.threads + index) / count) });
    const first = await WorkerSession.open(own(count - 1), signal, thread);
    return new SessionPool(
      first,
      Array.from({ length: count - 1 }, (_, index) => WorkerSession.open(own(index))),
    );
  }

  #join(session: WorkerSession): void {
    this.#members.push({ session, underWay: 0 });
  }

  /** Runs `count` packed frames in the session that has least to do; see {@link WorkerSession.run}. */
  run(frames: ArrayBuffer, count: number): Promise<UpscaleResult> {
    const member = this.#members.reduce((least, other) => (other.underWay < least.underWay ? other : least));
    member.underWay += 1;
    const result = member.session.run(frames, count).finally(() => {
      member.underWay -= 1;
    });
    // It may fail before its turn to be told of.
    result.catch(() => undefined);
    const inOrder = this.#last.then(
      () => result,
      () => result,
    );
    this.#last = inOrder;
    return inOrder;
  }

  /** Ends all. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#members.map(({ session }) => session.close()));
    await Promise.all(this.#opening);
  }
}
