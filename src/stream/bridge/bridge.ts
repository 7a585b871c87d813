import type { Model } from '../../infer/types.js';
import type { TinySRError } from '../../shared/errors.js';
import { log } from '../../shared/log.js';
import { RateLimit } from '../http/rate-limit.js';
import type { RelaySettings } from '../options.js';
import type { AccessUnit, PictureSize } from '../rtp/access-unit.js';
import { Assembler, type InputCodec } from '../rtp/assembler.js';
import { Governor, type Level, type Observation } from './governor.js';
import { RateMeter, Samples } from './meter.js';
import type { PictureOutlet } from './outlet.js';
import { Pacer } from './pacer.js';
import { Pipeline, STAGES, type StageTimes } from './pipeline.js';
import { type BridgePlan, planBridge, SIZE_STEPS, samePlan, sameSize } from './plan.js';
import { UpscalerCache } from './upscaler-cache.js';

/** How often the bridge looks at itself, in milliseconds. */
const TICK_MS = 100;
/** How often an unanswered wish for a key frame is repeated, in milliseconds. */
const KEY_REPEAT_MS = 700;
/** Pictures that come in while none goes out for so long mean a stall, in milliseconds. */
const STALL_MS = 3000;
/** Frames that tell the age of the picture now. */
const RECENT = 45;
/** Pipelines that may be opened at once, and how many a second after that: each costs two processes and perhaps a session. */
const OPENINGS = 4;
const OPENINGS_A_SECOND = 0.5;
/** Longest wait before a failed pipeline is opened again, in milliseconds. */
const LONGEST_BACKOFF_MS = 3000;

/** What a bridge needs. */
export interface BridgeOptions {
  readonly settings: Pick<
    RelaySettings,
    'codec' | 'device' | 'threads' | 'maxInput' | 'maxOutput' | 'targetDelay' | 'openUpscaler'
  >;
  /** From the best to the smallest. */
  readonly models: readonly Model[];
  /** Whether a GPU runs the models. */
  readonly gpu: boolean;
  readonly codec: InputCodec;
  /** Payload type of the publisher's pictures, as the bridge gets them. */
  readonly payloadType: number;
  readonly outlet: PictureOutlet;
  /** For the log. */
  readonly room: string;
  requestKeyFrame(): void;
}

/** What a bridge may be doing. */
export const BRIDGE_STATES = ['waiting', 'running', 'failing', 'refused'] as const;

/** What a bridge does at the moment. */
export interface BridgeStats {
  readonly state: (typeof BRIDGE_STATES)[number];
  /** Why it fails or refuses. */
  readonly reason: string | undefined;
  readonly source: string | undefined;
  readonly work: string | undefined;
  readonly output: string | undefined;
  readonly model: string | undefined;
  readonly maxFps: number | undefined;
  readonly sizeShare: number;
  readonly fpsIn: number;
  readonly fpsOut: number;
  /** Frame age in milliseconds: median and 95 %. */
  readonly ageMs: number;
  readonly ageP95Ms: number;
  /** Medians. */
  readonly stages: StageTimes;
  /** Frames that wait for the model or for their encoding. */
  readonly queued: number;
  readonly framesIn: number;
  readonly framesOut: number;
  /** Frames displaced by newer ones. */
  readonly displaced: number;
  /** Frames left out to keep the rate down. */
  readonly paced: number;
  readonly packetsLost: number;
  readonly keyFrameRequests: number;
  /** Times that a pipeline failed and was opened again. */
  readonly failures: number;
}

/**
 * From the publisher's packets to upscaled ones. Owns decoder, sessions and encoder; survives the end of each of them.
 */
export class Bridge {
  readonly #options: BridgeOptions;
  readonly #assembler: Assembler;
  readonly #governor: Governor;
  readonly #pacer = new Pacer();
  readonly #upscalers: UpscalerCache;
  readonly #timer: NodeJS.Timeout;
  readonly #openings = new RateLimit(OPENINGS, OPENINGS_A_SECOND, performance.now());
  #pipeline: Pipeline | undefined;
  /** Size of the pictures that the last pipeline was opened for. */
  #source: PictureSize | undefined;
  #closing: Promise<unknown>[] = [];
  #closed = false;
  #replan = false;
  #reason: string | undefined;
  #refused: string | undefined;
  #retryAt = 0;
  #consecutiveFailures = 0;
  #keyAskedAt = Number.NEGATIVE_INFINITY;
  #openedAt = performance.now();
  #lastInAt = Number.NEGATIVE_INFINITY;
  /** When the first picture came in that none has gone out since: a publisher's silence is no stall. */
  #inSince: number | undefined;
  #started = false;
  readonly #in = new RateMeter();
  readonly #out = new RateMeter();
  readonly #ages = new Samples();
  readonly #stages = STAGES.map((name) => ({ name, times: new Samples() }));
  #displaced = 0;
  #paced = 0;
  #lost = 0;
  #keyRequests = 0;
  #failures = 0;

  constructor(options: BridgeOptions) {
    this.#options = options;
    const { settings, models } = options;
    this.#upscalers = new UpscalerCache(settings);
    this.#governor = new Governor(
      {
        ...{ models: models.length, sizes: SIZE_STEPS.length, targetMs: settings.targetDelay },
        cost: (level) => this.#cost(level),
      },
      performance.now(),
    );
    this.#assembler = new Assembler(options.codec, options.payloadType, {
      picture: (unit) => this.#picture(unit),
      lost: (packets) => {
        this.#lost += packets;
        this.#askForKey(performance.now());
      },
    });
    this.#timer = setInterval(() => this.#tick(performance.now()), TICK_MS);
    this.#askForKey(performance.now());
  }

  /** Takes an RTP packet of the publisher. */
  push(packet: Buffer): void {
    if (!this.#closed) this.#assembler.push(packet, performance.now());
  }

  /** Process ids of the ffmpegs that run. */
  get pids(): readonly number[] {
    return this.#pipeline?.pids ?? [];
  }

  /** Median age of the frames of the last few seconds, in milliseconds; undefined while a pipeline has shown none. */
  get recentAgeMs(): number | undefined {
    return this.#ages.count > 0 ? this.#ages.quantile(0.5, RECENT) : undefined;
  }

  /** What it does at the moment. */
  get stats(): BridgeStats {
    const now = performance.now();
    const { level } = this.#governor;
    const plan = this.#pipeline?.plan;
    const text = (size: { width: number; height: number } | undefined) => size && `${size.width}x${size.height}`;
    return {
      state: this.#refused ? 'refused' : this.#reason ? 'failing' : this.#started ? 'running' : 'waiting',
      reason: this.#refused ?? this.#reason,
      source: text(plan?.source),
      work: text(plan?.work),
      output: text(plan?.output),
      model: plan?.model.name,
      maxFps: level.maxFps,
      sizeShare: SIZE_STEPS[level.size] ?? 1,
      fpsIn: this.#in.rate(now),
      fpsOut: this.#out.rate(now),
      ageMs: this.#ages.quantile(0.5),
      ageP95Ms: this.#ages.quantile(0.95),
      stages: Object.fromEntries(this.#stages.map(({ name, times }) => [name, times.quantile(0.5)])) as StageTimes,
      queued: this.#pipeline?.queued ?? 0,
      framesIn: this.#in.total,
      framesOut: this.#out.total,
      displaced: this.#displaced,
      paced: this.#paced,
      packetsLost: this.#lost,
      keyFrameRequests: this.#keyRequests,
      failures: this.#failures,
    };
  }

  #askForKey(now: number): void {
    if (this.#closed || now - this.#keyAskedAt < KEY_REPEAT_MS) return;
    this.#keyAskedAt = now;
    this.#keyRequests += 1;
    this.#options.requestKeyFrame();
  }

  #picture(unit: AccessUnit): void {
    const now = performance.now();
    this.#in.add(now);
    this.#lastInAt = now;
    this.#inSince ??= now;
    if (unit.key && unit.size) this.#begin(unit, now);
    this.#pipeline?.write(unit);
  }

  /** A key frame: the one moment at which everything can change. */
  #begin(unit: AccessUnit, now: number): void {
    const { settings } = this.#options;
    if (!unit.size || now < this.#retryAt) return;
    const { width, height } = unit.size;
    const { maxInput } = settings;
    const tooLarge =
      Math.max(width, height) > Math.max(maxInput.width, maxInput.height) ||
      Math.min(width, height) > Math.min(maxInput.width, maxInput.height);
    this.#refused =
      width < 16 || height < 16
        ? `${width}x${height} is too small`
        : tooLarge
          ? `${width}x${height} is more than this relay upscales`
          : undefined;
    if (this.#refused) {
      this.#drop();
      return;
    }
    const plan = this.#plan(unit.size, this.#governor.level);
    this.#replan = false;
    if (this.#pipeline && samePlan(plan, this.#pipeline.plan)) return;
    if (!this.#openings.take(now)) {
      // What runs was made for pictures of another size. The next key frame is asked for when there may be an opening.
      this.#drop();
      this.#replan = true;
      this.#retryAt = now + 1000 / OPENINGS_A_SECOND;
      return;
    }
    this.#open(plan, now);
  }

  #plan(source: PictureSize, level: Pick<Level, 'model' | 'size'>): BridgePlan {
    const { settings, models, gpu } = this.#options;
    // On a CPU there is no time to compute much more than the stream can show.
    return planBridge(source, models, level, settings.maxOutput, gpu ? 4 : 4 / 3);
  }

  /** Multiplications of a frame at a level; undefined for a model of somebody's own. */
  #cost(level: Pick<Level, 'model' | 'size'>): number | undefined {
    if (!this.#source) return undefined;
    const { model, work } = this.#plan(this.#source, level);
    return model.macsPerLrPixel && model.macsPerLrPixel * work.width * work.height;
  }

  #open(plan: BridgePlan, now: number): void {
    const { settings, outlet, codec, room } = this.#options;
    this.#drop();
    log.info(
      { room, source: plan.source, work: plan.work, output: plan.output, model: plan.model.name },
      'bridge opens',
    );
    this.#started = false;
    this.#openedAt = now;
    this.#inSince = now;
    if (!this.#source || !sameSize(this.#source, plan.source)) this.#governor.forgetTimes();
    this.#source = plan.source;
    const { model, size } = this.#governor.level;
    this.#pacer.reset();
    this.#ages.clear();
    for (const { times } of this.#stages) times.clear();
    const upscaler = this.#upscalers.get(plan);
    const pipeline: Pipeline = new Pipeline({
      plan,
      inputCodec: codec,
      outputCodec: settings.codec,
      maxInput: settings.maxInput,
      upscaler,
      wanted: (timeMs) => {
        if (this.#pacer.accepts(timeMs, this.#governor.level.maxFps)) return true;
        this.#paced += 1;
        return false;
      },
      takeKeyRequest: () => outlet.takeKeyRequest(performance.now()),
      picture: (picture, { timestamp, arrivalMs, readyMs }, stages) => {
        const sentAt = performance.now();
        outlet.send(picture, timestamp);
        this.#wentOut(sentAt, sentAt - arrivalMs, stages, { level: { model, size }, ageMs: sentAt - readyMs });
      },
      displaced: (burst) => {
        this.#displaced += 1;
        // Frames that a bad network brings all at once say nothing about the device.
        if (this.#started && !burst) this.#governor.dropped(performance.now());
      },
      failed: (error) => {
        if (error.code === 'TSR_INFER_FAILED' || error.code === 'TSR_OUT_OF_MEMORY') this.#upscalers.drop(upscaler);
        if (this.#pipeline === pipeline) this.#failed(error);
      },
    });
    this.#pipeline = pipeline;
  }

  /** @param work the level, and what the governor can change of the age: that without the wait for late packets */
  #wentOut(now: number, ageMs: number, stages: StageTimes, work: Omit<Observation, 'runMs'>): void {
    this.#out.add(now);
    this.#inSince = undefined;
    if (!this.#started) {
      // What waited for the session to open says nothing about the device.
      this.#started = true;
      this.#reason = undefined;
      this.#governor.reset(now);
      return;
    }
    this.#consecutiveFailures = 0;
    this.#ages.add(ageMs);
    for (const { name, times } of this.#stages) times.add(stages[name]);
    this.#governor.observe({ ...work, runMs: stages.model }, now);
  }

  #failed(error: TinySRError): void {
    const now = performance.now();
    this.#failures += 1;
    this.#reason = error.message;
    const backoff = Math.min(LONGEST_BACKOFF_MS, 100 * 2 ** this.#consecutiveFailures);
    this.#consecutiveFailures += 1;
    this.#retryAt = now + backoff;
    log.warn({ room: this.#options.room, code: error.code, error: error.message, backoff }, 'bridge failed');
    this.#drop();
    this.#replan = true;
    this.#keyAskedAt = now + backoff - KEY_REPEAT_MS;
  }

  #drop(): void {
    const pipeline = this.#pipeline;
    this.#pipeline = undefined;
    this.#started = false;
    if (!pipeline) return;
    const closing = pipeline.close().catch(() => undefined);
    this.#closing.push(closing);
    void closing.then(() => {
      this.#closing = this.#closing.filter((other) => other !== closing);
    });
  }

  #tick(now: number): void {
    this.#assembler.expire(now);
    if (this.#started && this.#governor.tick(this.#in.rate(now), now)) {
      const { level } = this.#governor;
      log.info({ room: this.#options.room, ...level, ageP95: this.#ages.quantile(0.95) }, 'governor');
      const plan = this.#pipeline?.plan;
      const next = plan && this.#plan(plan.source, level);
      this.#replan = Boolean(plan && next && !samePlan(plan, next));
      // Opened before it is needed: the change then takes no longer than two ffmpegs need to start.
      if (this.#replan && next) this.#upscalers.get(next).catch(() => undefined);
    }
    const flowing = now - this.#lastInAt < 1000;
    if (this.#pipeline && this.#inSince !== undefined && now - this.#inSince > STALL_MS && flowing) {
      if (!this.#openingLong(now)) {
        log.warn({ room: this.#options.room }, 'bridge stalls');
        this.#failures += 1;
        // Perhaps it is the session that hangs.
        this.#upscalers.drop(this.#pipeline.upscaler);
        this.#drop();
        this.#replan = true;
      }
    }
    if (now >= this.#retryAt && !this.#refused && (this.#assembler.needsKey || this.#replan)) this.#askForKey(now);
  }

  /** A session that is still being opened is no stall before half a minute. */
  #openingLong(now: number): boolean {
    return !this.#started && now - this.#openedAt < 30_000;
  }

  /** Ends all it runs. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#drop();
    await Promise.all(this.#closing);
    await this.#upscalers.close();
  }
}
