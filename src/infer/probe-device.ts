import { performance } from 'node:perf_hooks';
import { Engine } from './engine.js';
import type { SessionSpec } from './session-spec.js';
import type { ModelVariant, Provider } from './types.js';

/** What a probe prints as JSON. */
export interface ProbeResult {
  readonly error?: string;
  /** Largest difference from the CPU's result, in levels of 255. */
  readonly difference: number;
  readonly runMs: number;
}

/** A textured frame: gradients and edges, so that a kernel that computes wrongly shows. */
function probeFrame(side: number): Uint8Array {
  const frame = new Uint8Array(side * side * 3);
  for (let i = 0; i < frame.length; i += 1) {
    const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
    frame[i] = (x * 7 + y * 3 + (i % 3) * 40 + (((x >> 2) + (y >> 2)) % 2) * 90) & 255;
  }
  return frame;
}

async function probe(): Promise<ProbeResult> {
  const request = JSON.parse(process.argv[2] ?? '{}') as {
    variant: ModelVariant;
    provider: Provider;
    scale: number;
    side: number;
  };
  const { variant, provider, scale, side } = request;
  const spec = (named: Provider): SessionSpec => ({
    file: variant.file,
    contract: variant.contract,
    format: variant.format,
    provider: named,
    width: side,
    height: side,
    scale,
    threads: 2,
    tile: undefined,
  });
  const frame = probeFrame(side);
  const engine = await Engine.create(spec(provider));
  const run = async (from: Engine) => new Uint8Array(await from.run(frame.slice().buffer, 1));
  const result = await run(engine);
  const started = performance.now();
  await run(engine);
  const runMs = performance.now() - started;
  const expected = provider === 'cpu' ? result : await run(await Engine.create(spec('cpu')));
  let difference = 0;
  for (const [i, value] of expected.entries()) difference = Math.max(difference, Math.abs(value - (result[i] ?? 0)));
  return { difference, runMs };
}

const result = await probe().catch(
  (error: unknown): ProbeResult => ({
    error: error instanceof Error ? error.message : String(error),
    difference: 0,
    runMs: 0,
  }),
);
process.stdout.write(JSON.stringify(result), () => process.exit(0));
