import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { Engine } from './engine.js';
import type { ModelVariant, Provider } from './types.js';

/** What a probe is asked; crosses processes as JSON. */
export interface ProbeRequest {
  readonly variant: ModelVariant;
  readonly provider: Provider;
  readonly scale: number;
  /** Side of the frame whose result is compared. */
  readonly side: number;
  /** Side of the frame on which provider and CPU race; null: no race. */
  readonly raceSide: number | null;
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
function probeFrame(side: number): Uint8Array {
  const frame = new Uint8Array(side * side * 3);
  for (let i = 0; i < frame.length; i += 1) {
    const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
    frame[i] = (x * 7 + y * 3 + (i % 3) * 40 + (((x >> 2) + (y >> 2)) % 2) * 90) & 255;
  }
  return frame;
}

/** Runs a frame twice; the first run compiles and allocates. */
async function runTwice({ variant, scale }: ProbeRequest, provider: Provider, side: number) {
  const engine = await Engine.create({
    ...{ file: variant.file, contract: variant.contract, format: variant.format, provider },
    ...{ width: side, height: side, scale, threads: availableParallelism(), tile: undefined },
  });
  const frame = probeFrame(side);
  const run = async () => new Uint8Array(await engine.run(frame.slice().buffer, 1));
  const result = await run();
  const started = performance.now();
  await run();
  return { result, runMs: performance.now() - started };
}

async function race(request: ProbeRequest, side: number): Promise<boolean> {
  const { runMs } = await runTwice(request, request.provider, side);
  const cpu = await runTwice(request, 'cpu', side);
  return runMs < cpu.runMs;
}

async function probe(request: ProbeRequest): Promise<ProbeResult> {
  const { provider, side, raceSide } = request;
  const { result, runMs } = await runTwice(request, provider, side);
  if (provider === 'cpu') return { difference: 0, runMs, beatsCpu: null };
  const cpu = await runTwice(request, 'cpu', side);
  let difference = 0;
  for (const [i, value] of cpu.result.entries()) difference = Math.max(difference, Math.abs(value - (result[i] ?? 0)));
  if (raceSide === null) return { difference, runMs, beatsCpu: null };
  // A small frame tells little of a GPU, where it is all overhead; but a driver that computes on the CPU shows.
  const hopeless = runMs > HOPELESS_FACTOR * cpu.runMs + HOPELESS_MS;
  return { difference, runMs, beatsCpu: !hopeless && (await race(request, raceSide)) };
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
