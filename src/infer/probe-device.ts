import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { Engine } from './engine.js';
import type { ModelVariant, Provider, TileSides } from './types.js';

/** What a probe is asked; crosses processes as JSON. */
export interface ProbeRequest {
  readonly variant: ModelVariant;
  readonly provider: Provider;
  readonly scale: number;
  /** Size of the frame whose result is compared. */
  readonly size: TileSides;
  /** Size of the frame on which provider and CPU race; null: no race. */
  readonly raceSize: TileSides | null;
}

/** What a probe prints as JSON. */
export interface ProbeResult {
  readonly error?: string;
  /** Largest difference from the CPU's result, in levels of 255. */
  readonly difference: number;
  readonly runMs: number;
  /** Whether it won the race; null when there was none. */
  readonly beatsCpu: boolean | null;
}

/** A small frame that takes longer than this, and many times as long as the CPU takes, needs no race. */
const HOPELESS_MS = 20;
const HOPELESS_FACTOR = 4;

/** A textured frame: gradients and edges, so that a kernel that computes wrongly shows. */
function probeFrame({ width, height }: TileSides): Uint8Array {
  const frame = new Uint8Array(width * height * 3);
  for (let i = 0; i < frame.length; i += 1) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    frame[i] = (x * 7 + y * 3 + (i % 3) * 40 + (((x >> 2) + (y >> 2)) % 2) * 90) & 255;
  }
  return frame;
}

/** Runs a frame twice; the first run compiles and allocates. */
async function runTwice({ variant, scale }: ProbeRequest, provider: Provider, size: TileSides) {
  const engine = await Engine.create({
    ...{ file: variant.file, contract: variant.contract, format: variant.format, provider },
    ...{ ...size, scale, threads: availableParallelism(), tile: undefined },
  });
  const frame = probeFrame(size);
  const run = async () => new Uint8Array(await engine.run(frame.slice().buffer, 1));
  const result = await run();
  const started = performance.now();
  await run();
  return { result, runMs: performance.now() - started };
}

async function race(request: ProbeRequest, size: TileSides): Promise<boolean> {
  const { runMs } = await runTwice(request, request.provider, size);
  const cpu = await runTwice(request, 'cpu', size);
  return runMs < cpu.runMs;
}

async function probe(request: ProbeRequest): Promise<ProbeResult> {
  const { provider, size, raceSize } = request;
  const { result, runMs } = await runTwice(request, provider, size);
  if (provider === 'cpu') return { difference: 0, runMs, beatsCpu: null };
  const cpu = await runTwice(request, 'cpu', size);
  let difference = 0;
  for (const [i, value] of cpu.result.entries()) difference = Math.max(difference, Math.abs(value - (result[i] ?? 0)));
  if (raceSize === null) return { difference, runMs, beatsCpu: null };
  // A small frame tells little of a GPU, where it is all overhead; but a driver that computes on the CPU shows.
  const hopeless = runMs > HOPELESS_FACTOR * cpu.runMs + HOPELESS_MS;
  return { difference, runMs, beatsCpu: !hopeless && (await race(request, raceSize)) };
}

const result = await probe(JSON.parse(process.argv[2] ?? '{}') as ProbeRequest).catch(
  (error: unknown): ProbeResult => ({
    error: error instanceof Error ? error.message : String(error),
    difference: 0,
    runMs: 0,
    beatsCpu: null,
  }),
);
process.stdout.write(JSON.stringify(result), () => process.exit(0));
