import {
  type DoneEvent,
  type Progress,
  type StartEvent,
  TinySRError,
  type UpscaleVideoOptions,
  upscaleVideo,
} from '#src/index.js';

/** Everything a finished run told. */
export interface Report {
  readonly events: readonly Progress[];
  readonly start: StartEvent;
  readonly done: DoneEvent;
  readonly warnings: readonly string[];
}

/** Options of a run on the CPU; what is not given has its default. */
export type RunOptions = Omit<UpscaleVideoOptions, 'device'> & Partial<Pick<UpscaleVideoOptions, 'device'>>;

const CPU = { device: 'cpu', threads: 2 } as const;

/** Runs the upscaler to its end, watching every event. */
export function upscale(options: RunOptions, watch: (event: Progress) => void = () => undefined): Promise<Report> {
  return new Promise((resolve, reject) => {
    const events: Progress[] = [];
    upscaleVideo({ ...CPU, ...options }).subscribe({
      next(event) {
        events.push(event);
        watch(event);
      },
      error: reject,
      complete() {
        const start = events.find((event) => event.type === 'start');
        const done = events.find((event) => event.type === 'done');
        if (!start || !done) reject(new Error(`no start or no end among ${events.map(({ type }) => type).join()}`));
        else
          resolve({ events, start, done, warnings: events.flatMap((e) => (e.type === 'warning' ? [e.message] : [])) });
      },
    });
  });
}

/** The error that work ends with; fails when it ends well or with another kind of error. */
export async function errorOf(work: Promise<unknown>): Promise<TinySRError> {
  const error = await work.then(
    () => new Error('it ended well'),
    (reason: unknown) => reason,
  );
  if (error instanceof TinySRError) return error;
  throw error;
}

/** The error that a run ends with. */
export function failure(options: RunOptions, watch?: (event: Progress) => void): Promise<TinySRError> {
  return errorOf(upscale(options, watch));
}
