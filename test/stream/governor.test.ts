import { describe, expect, it } from 'vitest';
import { Governor, type GovernorOptions, type Level } from '#src/stream/bridge/governor.js';
import { Pacer } from '#src/stream/bridge/pacer.js';
import { planBridge } from '#src/stream/bridge/plan.js';

/** Costs that nobody knows. */
const unknown = () => undefined;

/**
 * A device on a clock of its own: frames come 30 times a second, the model takes as long as `cost` says. A change of model or
 * size has an effect `openMs` later, as a session must be opened.
 */
class Simulation {
  readonly governor: Governor;
  readonly steps: Level[] = [];
  readonly #openMs: number;
  #now = 0;
  #free = 0;
  #due = 0;
  #running: Pick<Level, 'model' | 'size'> = { model: 0, size: 0 };
  #opensAt = 0;

  constructor(costs: GovernorOptions['cost'] = unknown, openMs = 0) {
    this.governor = new Governor({ models: 3, sizes: 3, targetMs: 250, cost: costs }, 0);
    this.#openMs = openMs;
  }

  #level(): Level {
    const { level } = this.governor;
    const { model, size } = level;
    if (model === this.#running.model && size === this.#running.size) this.#opensAt = this.#now + this.#openMs;
    else if (this.#now >= this.#opensAt) {
      this.#running = { model, size };
      if (this.#openMs > 0) this.governor.reset(this.#now);
    }
    return { ...level, ...this.#running };
  }

  run(seconds: number, cost: (level: Level) => number): void {
    const end = this.#now + seconds * 1000;
    for (; this.#now < end; this.#now += 1000 / 30) {
      const level = this.#level();
      if (this.#now >= this.#due) {
        this.#due = this.#now + 1000 / (level.maxFps ?? 30) - 5;
        const runMs = cost(level);
        // One frame waits, one is in the model: the next displaces the one that waits.
        if (this.#free > this.#now + runMs) this.governor.dropped(this.#now);
        else {
          this.#free = Math.max(this.#free, this.#now) + runMs;
          this.governor.observe({ level, ageMs: this.#free - this.#now + 20, runMs }, this.#now);
        }
      }
      if (this.governor.tick(30, this.#now)) this.steps.push(this.governor.level);
    }
  }
}

/** Cost of a frame when each model takes half of the one before, and each size step as well. */
const halving =
  (full: number) =>
  ({ model, size }: Level) =>
    full / 2 ** (model + size);

describe('governor', () => {
  /** Ticks for half a minute; a frame goes out every `everyMs`. */
  function trickle(inputFps: number, everyMs: number, ageMs: number): Level {
    const governor = new Governor({ models: 2, sizes: 3, targetMs: 250, cost: unknown }, 0);
    for (let now = 0; now < 30_000; now += 100) {
      if (now % everyMs === 0) governor.observe({ level: governor.level, ageMs, runMs: ageMs / 2 }, now);
      governor.tick(inputFps, now);
    }
    return governor.level;
  }

  it('goes down to the end when hardly anything comes out of much that comes in', () => {
    expect(trickle(30, 4000, 4000)).toEqual({ maxFps: 12, model: 1, size: 2 });
  });

  it('leaves a source alone that has few frames, or pauses', () => {
    const full = { maxFps: undefined, model: 0, size: 0 };
    expect(trickle(2, 500, 60)).toEqual(full);
    expect(trickle(0, 10_000, 60)).toEqual(full);
  });

  it('leaves a device alone that keeps up', () => {
    const simulation = new Simulation();
    simulation.run(30, halving(15));
    expect(simulation.steps).toEqual([]);
  });

  it('lowers first the rate to 12, then the model, then the size, and ends with frames that are young', () => {
    const simulation = new Simulation();
    simulation.run(60, halving(1400));
    const { steps } = simulation;
    const firstModel = steps.findIndex(({ model }) => model > 0);
    const firstSize = steps.findIndex(({ size }) => size > 0);
    expect(steps[firstModel - 1]?.maxFps).toBe(12);
    expect(firstModel).toBeGreaterThan(0);
    expect(steps[firstSize - 1]).toMatchObject({ maxFps: 12, model: 2 });
    for (const [index, step] of steps.slice(0, firstModel).entries()) {
      expect(step, `step ${index}`).toMatchObject({ model: 0, size: 0 });
    }
    expect(simulation.governor.level).toMatchObject({ model: 2, size: 2 });
  });

  it('climbs back to the full picture when the device is free again', () => {
    const simulation = new Simulation();
    simulation.run(40, halving(1400));
    simulation.steps.length = 0;
    simulation.run(240, halving(10));
    expect(simulation.governor.level).toEqual({ maxFps: undefined, model: 0, size: 0 });
    const models = simulation.steps.map(({ model }) => model);
    expect(models).toEqual([...models].sort((a, b) => b - a));
  });

  it('keeps model and size when the machine only hitches now and then', () => {
    const simulation = new Simulation();
    let frame = 0;
    simulation.run(300, () => (frame++ % 100 < 2 ? 350 : 20));
    expect(simulation.steps.length).toBeGreaterThan(0);
    expect(simulation.steps.filter(({ model, size }) => model + size > 0)).toEqual([]);
  });

  it('does not swing: a step up that fails is tried ever more rarely', () => {
    const simulation = new Simulation();
    // Fast enough with the small model only, though nobody can know before trying.
    const cost = ({ model }: Level) => (model === 0 ? 200 : 30);
    simulation.run(60, cost);
    const early = simulation.steps.length;
    simulation.run(240, cost);
    expect(simulation.steps.length - early).toBeLessThan(4 * 12);
    expect(simulation.governor.level.maxFps).toBeDefined();
  });

  // tinysr-base, tinysr-small-psnr and tinysr-small on two cores, 160x90: only the last one keeps 12 frames a second.
  const milliseconds = [1200, 120, 53];
  const macs = [1_238_400, 339_216, 176_832];
  const share = ({ size }: Pick<Level, 'size'>) => 0.5 ** size;
  const ladder =
    (faster = 1) =>
    (level: Level) =>
      ((milliseconds[level.model] ?? 0) / faster) * share(level);
  const known = (level: Pick<Level, 'model' | 'size'>) => (macs[level.model] ?? 0) * share(level);
  const models = ({ steps }: Simulation) => steps.map(({ model }) => model);

  it('settles below a model that does not fit by its cost', () => {
    const simulation = new Simulation(known, 3000);
    simulation.run(60, ladder());
    expect(simulation.governor.level).toMatchObject({ model: 2, size: 0 });
    simulation.steps.length = 0;
    simulation.run(120, ladder());
    expect(simulation.steps).toEqual([]);
    // In an hour it is tried again a few times, as costs are no times.
    simulation.run(3600, ladder());
    expect(models(simulation).filter((model) => model < 2).length).toBeLessThan(10);
    expect(simulation.governor.level).toMatchObject({ model: 2, size: 0 });
  });

  it('settles below a model of unknown cost, by the time that it took', () => {
    const simulation = new Simulation(unknown, 3000);
    simulation.run(60, ladder());
    expect(simulation.governor.level).toMatchObject({ model: 2, size: 0 });
    simulation.steps.length = 0;
    simulation.run(120, ladder());
    expect(simulation.steps).toEqual([]);
  });

  it.each([
    ['known', known],
    ['unknown', unknown],
  ] as const)('takes larger models again as soon as the machine is faster, costs %s', (_, costs) => {
    const simulation = new Simulation(costs, 3000);
    simulation.run(300, ladder());
    simulation.run(90, ladder(4));
    expect(simulation.governor.level).toMatchObject({ model: 1, size: 0 });
    simulation.run(300, ladder(100));
    expect(simulation.governor.level).toEqual({ maxFps: undefined, model: 0, size: 0 });
  });

  it('tries a model again that was slow in a busy moment only', () => {
    const simulation = new Simulation(unknown, 3000);
    simulation.run(12, ({ model }) => (model === 0 ? 400 : 30));
    expect(simulation.governor.level.model).toBe(1);
    simulation.run(600, () => 20);
    expect(simulation.governor.level).toEqual({ maxFps: undefined, model: 0, size: 0 });
  });

  it('tries ever more rarely what is undone after more than ten seconds', () => {
    const governor = new Governor({ models: 2, sizes: 1, targetMs: 250, cost: unknown }, 0);
    const ups: number[] = [];
    let raisedAt = Number.NEGATIVE_INFINITY;
    // Late for another reason than the model's time, and only when it has run for a while: nothing foretells that.
    for (let now = 0; now < 1_200_000; now += 100) {
      const { level } = governor;
      const ageMs = level.model === 0 && now - raisedAt > 12_000 ? 240 : 40;
      if (now % 200 === 0) governor.observe({ level, ageMs, runMs: 20 }, now);
      if (!governor.tick(12, now) || governor.level.model === level.model) continue;
      raisedAt = now;
      if (governor.level.model === 0) ups.push(now);
    }
    const waits = ups.slice(1).map((at, index) => at - (ups[index] ?? 0));
    expect(waits.length).toBeGreaterThan(5);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(60_000);
  });
});

describe('pacer', () => {
  it('thins 30 frames a second evenly to 15', () => {
    const pacer = new Pacer();
    const kept = Array.from({ length: 60 }, (_, index) => Math.round((index * 1000) / 30)).filter((time) =>
      pacer.accepts(time, 15),
    );
    const gaps = kept.slice(1).map((time, index) => time - (kept[index] ?? 0));
    expect(kept).toHaveLength(30);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
  });

  it('lets all pass without a limit', () => {
    expect(new Pacer().accepts(0, undefined)).toBe(true);
  });
});

describe('plan', () => {
  const model = { name: 'm', scale: 4, multiple: 2, variants: [] } as const;
  const level = { maxFps: undefined, model: 0, size: 0 };
  const cap = { width: 1920, height: 1080 };

  it('enlarges four times below the cap', () => {
    const plan = planBridge({ width: 320, height: 180 }, [model], level, cap, 4 / 3);
    expect(plan).toMatchObject({ work: { width: 320, height: 180 }, output: { width: 1280, height: 720 } });
  });

  it('holds the cap, lying and standing', () => {
    expect(planBridge({ width: 1280, height: 720 }, [model], level, cap, 4).output).toEqual(cap);
    const standing = planBridge({ width: 720, height: 1280 }, [model], level, cap, 4).output;
    expect(standing).toEqual({ width: 1080, height: 1920 });
  });

  it('gives a smaller model no more work than the best one has', () => {
    const best = { ...model, macsPerLrPixel: 20_000 };
    const small = { ...model, name: 's', scale: 2, macsPerLrPixel: 10_000 } as const;
    const work = (number: number, source: { width: number; height: number }) =>
      planBridge(source, [best, small], { ...level, model: number }, cap, 4 / 3).work;
    const cost = ({ width, height }: { width: number; height: number }, macs: number) => width * height * macs;
    const large = { width: 1280, height: 720 };
    expect(work(0, large)).toEqual({ width: 640, height: 360 });
    // Within the rounding to even sides.
    expect(cost(work(1, large), 10_000)).toBeLessThan(1.02 * cost(work(0, large), 20_000));
    expect(work(1, large).width).toBeGreaterThan(800);
    expect(work(1, { width: 480, height: 270 })).toEqual({ width: 480, height: 270 });
  });

  it('gives even sizes for odd sources', () => {
    const { work, output } = planBridge({ width: 321, height: 181 }, [model], { ...level, size: 1 }, cap, 4 / 3);
    for (const side of [work.width, work.height, output.width, output.height]) expect(side % 2).toBe(0);
  });
});
