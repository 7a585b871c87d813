/** How hard the bridge works. */
export interface Level {
  /** Frames a second at most; undefined: as many as come. */
  readonly maxFps: number | undefined;
  /** Number of the model, 0 is the best. */
  readonly model: number;
  /** Number of the size step, 0 is the full size. */
  readonly size: number;
}

/** What was seen of one frame that went out. */
export interface Observation {
  /** What it was upscaled with: while a step is on its way, frames of the level before still go out. */
  readonly level: Pick<Level, 'model' | 'size'>;
  /** From the moment it could be decoded to the departure of its first packet, in milliseconds. */
  readonly ageMs: number;
  /** Milliseconds the model ran. */
  readonly runMs: number;
}

/** Limits of the governor. */
export interface GovernorOptions {
  /** Number of models to choose from. */
  readonly models: number;
  /** Number of size steps. */
  readonly sizes: number;
  /** Age that nine of ten frames keep, in milliseconds. */
  readonly targetMs: number;
  /** What a frame costs at a level, in any unit; undefined where that is not known. */
  cost(level: Pick<Level, 'model' | 'size'>): number | undefined;
}

/** Frame rates that are tried, falling. */
const RATES = [24, 20, 15, 12] as const;
/** Time that is looked back on, in milliseconds. */
const WINDOW_MS = 1500;
/** Nothing is judged for so long after a step: what is on its way still belongs to the step before. */
const SETTLE_MS = 1500;
/** How long all must be well before a step up. */
const CALM_MS = 5000;
const LONGEST_CALM_MS = 60_000;
/**
 * A step up that is taken back within this time, and the wait before it, was wrong and is not tried again so soon. Opening a
 * larger model, judging it and going back alone take more than ten seconds.
 */
const REGRET_MS = 30_000;
/**
 * A larger model or picture that should take too long is tried all the same after so many waits without a fault: what was
 * measured of it may have been a busy moment of the machine, and costs are no times.
 */
const WAITS_IN_DOUBT = 60;
/**
 * How long things must be bad before model or size are changed, which viewers see; the rate is changed at once. Longer than the
 * window: a short hitch of the machine, seen in one window, is none of the device's being too slow.
 */
const PERSIST_MS = WINDOW_MS + 1000;
/** Frames that must be in the window before anything is judged. */
const FEWEST = 4;
/** Share of the time the model may run before the rate is not raised. */
const MOST_LOAD = 0.75;
/** Shares of the target: an age above the one is too much, one below the other leaves room for a step up. */
const LATE = 0.8;
const CALM = 0.6;

interface Seen extends Observation {
  readonly at: number;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** How many steps down a level is, rates aside: sizes are changed below the smallest model only. */
function depthOf({ model, size }: Pick<Level, 'model' | 'size'>): number {
  return model + size;
}

/**
 * Keeps the age of frames below the target. When it rises, first fewer frames are taken, then a smaller model, then a
 * smaller picture; when all is well for a while, and the time of the larger one is expected to fit, the last step is taken
 * back. A step that had to be repeated soon after is tried ever more rarely.
 */
export class Governor {
  readonly #options: GovernorOptions;
  #level: Level = { maxFps: undefined, model: 0, size: 0 };
  #seen: Seen[] = [];
  #dropped: number[] = [];
  #changedAt: number;
  #calmSince: number;
  #fitsSince: number;
  #calmMs = CALM_MS;
  #raisedAt: number | undefined;
  #badSince: number | undefined;
  #starvingSince: number | undefined;
  /** By depth: how many times as long as the level below it a level was seen to run. */
  readonly #ratios = new Map<number, number>();
  /** The level before the last change of model or size, while that of now has not been measured. */
  #left: { readonly depth: number; readonly runMs: number } | undefined;

  constructor(options: GovernorOptions, nowMs: number) {
    this.#options = options;
    this.#changedAt = nowMs;
    this.#calmSince = nowMs;
    this.#fitsSince = nowMs;
  }

  /** How hard to work now. */
  get level(): Level {
    return this.#level;
  }

  /** A frame went out. */
  observe(observation: Observation, nowMs: number): void {
    this.#seen.push({ ...observation, at: nowMs });
  }

  /** A frame had to be thrown away as a newer one came before the model was free. */
  dropped(nowMs: number): void {
    this.#dropped.push(nowMs);
  }

  /** Forgets how long levels ran: that was with pictures of another size. */
  forgetTimes(): void {
    this.#ratios.clear();
    this.#left = undefined;
  }

  /** Forgets what was seen: the source or the level changed. */
  reset(nowMs: number): void {
    this.#seen = [];
    this.#dropped = [];
    this.#badSince = undefined;
    this.#starvingSince = undefined;
    this.#changedAt = nowMs;
    this.#calmSince = nowMs;
    this.#fitsSince = nowMs;
  }

  /**
   * Judges what was seen; to be called a few times a second.
   *
   * @param inputFps frames a second that come in
   * @returns whether the level changed
   */
  tick(inputFps: number, nowMs: number): boolean {
    this.#seen = this.#seen.filter(({ at }) => nowMs - at <= WINDOW_MS);
    this.#dropped = this.#dropped.filter((at) => nowMs - at <= WINDOW_MS);
    if (nowMs - this.#changedAt < SETTLE_MS) return false;
    const frames = this.#seen.length + this.#dropped.length;
    if (frames < FEWEST) {
      if (!this.#starves(inputFps, nowMs)) return false;
    } else this.#starvingSince = undefined;
    const age = quantile(
      this.#seen.map(({ ageMs }) => ageMs),
      0.9,
    );
    this.#learn();
    const late = age > this.#options.targetMs * LATE;
    const losing = this.#dropped.length > Math.max(2, frames * 0.2);
    if (late || losing || this.#starvingSince !== undefined) {
      this.#calmSince = nowMs;
      this.#badSince ??= this.#starvingSince ?? nowMs;
      return this.#down(inputFps, nowMs);
    }
    this.#badSince = undefined;
    if (age > this.#options.targetMs * CALM) this.#calmSince = nowMs;
    if (!this.#fits(inputFps, age)) this.#fitsSince = nowMs;
    const calmMs = nowMs - this.#calmSince;
    const fits = Math.min(calmMs, nowMs - this.#fitsSince) >= this.#calmMs;
    const doubted = depthOf(this.#level) > 0 && calmMs >= this.#calmMs * WAITS_IN_DOUBT;
    return (fits || doubted) && this.#up(inputFps, nowMs);
  }

  /**
   * Whether for a while hardly anything has come out of much that came in: too little to tell its age, and the worst that can
   * be. A source that pauses, or has few frames, is none.
   */
  #starves(inputFps: number, nowMs: number): boolean {
    const expected = (Math.min(inputFps, this.#level.maxFps ?? inputFps) * WINDOW_MS) / 1000;
    if (expected < 2 * FEWEST) {
      this.#starvingSince = undefined;
      return false;
    }
    this.#starvingSince ??= nowMs;
    return nowMs - this.#starvingSince >= PERSIST_MS;
  }

  /** Milliseconds the model runs at the level of now, by the frames in the window; undefined while there is none. */
  #runMs(): number | undefined {
    const depth = depthOf(this.#level);
    const runs = this.#seen.filter(({ level }) => depthOf(level) === depth).map(({ runMs }) => runMs);
    return runs.length > 0 ? quantile(runs, 0.5) : undefined;
  }

  /** How many times as long as the level below it a level runs: as was seen, or else as their costs say. */
  #ratio(depth: number): number | undefined {
    const { models, cost } = this.#options;
    const at = (steps: number) => {
      const model = Math.min(steps, models - 1);
      return cost({ model, size: steps - model });
    };
    const [above, below] = [at(depth), at(depth + 1)];
    return this.#ratios.get(depth) ?? (above && below ? above / below : undefined);
  }

  /** After a change of model or size: compares the run times of the two levels, once that of now is known. */
  #learn(): void {
    const runMs = this.#left && this.#runMs();
    if (!this.#left || !runMs) return;
    const depth = depthOf(this.#level);
    const up = depth < this.#left.depth;
    const ratio = up ? runMs / this.#left.runMs : this.#left.runMs / runMs;
    const upper = Math.min(depth, this.#left.depth);
    // A level is left when the machine is busy, which may soon be over: then it seems to take longer than it does.
    this.#ratios.set(upper, up ? ratio : Math.min(ratio, this.#ratio(upper) ?? ratio));
    this.#left = undefined;
  }

  /** Whether the step up would leave the model time to rest, and frames young enough. */
  #fits(inputFps: number, ageMs: number): boolean {
    const run = this.#runMs();
    if (run === undefined) return false;
    const depth = depthOf(this.#level);
    const rate = depth > 0 ? (this.#level.maxFps ?? inputFps) : (this.#rateAbove(inputFps) ?? inputFps);
    const runAbove = depth > 0 ? run * (this.#ratio(depth - 1) ?? 1) : run;
    const young = ageMs + runAbove - run <= this.#options.targetMs * LATE;
    return young && (runAbove * Math.min(rate, inputFps)) / 1000 < MOST_LOAD;
  }

  #rateAbove(inputFps: number): number | undefined {
    const { maxFps } = this.#level;
    if (maxFps === undefined) return undefined;
    const above = RATES[RATES.indexOf(maxFps as (typeof RATES)[number]) - 1];
    return above !== undefined && above < inputFps ? above : undefined;
  }

  #down(inputFps: number, nowMs: number): boolean {
    const { maxFps, model, size } = this.#level;
    // What really went out in the window tells which rate can be had at all.
    const possible = (this.#seen.length * 1000) / WINDOW_MS;
    const lower = RATES.filter((rate) => rate < Math.min(maxFps ?? Number.POSITIVE_INFINITY, inputFps - 0.5));
    const rate = lower.find((candidate) => candidate <= possible) ?? lower.at(-1);
    if (rate !== undefined) return this.#set({ maxFps: rate, model, size }, nowMs, false);
    if (nowMs - (this.#badSince ?? nowMs) < PERSIST_MS) return false;
    if (model + 1 < this.#options.models) return this.#set({ maxFps, model: model + 1, size }, nowMs, false);
    if (size + 1 < this.#options.sizes) return this.#set({ maxFps, model, size: size + 1 }, nowMs, false);
    return false;
  }

  #up(inputFps: number, nowMs: number): boolean {
    const { maxFps, model, size } = this.#level;
    if (size > 0) return this.#set({ maxFps, model, size: size - 1 }, nowMs, true);
    if (model > 0) return this.#set({ maxFps, model: model - 1, size }, nowMs, true);
    if (maxFps === undefined) return false;
    return this.#set({ maxFps: this.#rateAbove(inputFps), model, size }, nowMs, true);
  }

  #set(level: Level, nowMs: number, up: boolean): boolean {
    if (up) this.#raisedAt = nowMs;
    else if (this.#raisedAt !== undefined) {
      const regretted = nowMs - this.#raisedAt < REGRET_MS + this.#calmMs;
      this.#calmMs = regretted ? Math.min(LONGEST_CALM_MS, this.#calmMs * 2) : CALM_MS;
      this.#raisedAt = undefined;
    }
    if (depthOf(level) !== depthOf(this.#level)) {
      const runMs = this.#runMs();
      this.#left = runMs ? { depth: depthOf(this.#level), runMs } : undefined;
    }
    this.#level = level;
    this.reset(nowMs);
    return true;
  }
}
