import { readdirSync, readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { Engine, sessionOptions } from '#src/infer/engine.js';
import { listModels } from '#src/infer/manifest.js';
import { chooseProvider } from '#src/infer/providers.js';
import { resolveModel } from '#src/infer/resolve-model.js';
import type { SessionSpec } from '#src/infer/session-spec.js';
import type { Model, ModelVariant, Provider } from '#src/infer/types.js';
import { WorkerSession } from '#src/infer/worker-session.js';
import { frameLayout, sampleBytes } from '#src/shared/layout.js';
import { findSwiftShader } from '../../scripts/setup/vulkan.mjs';
import { runCli } from '../support/cli.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';

const folder = testFolder();
const models = await listModels();
/** Tiny: the driver computes on the CPU, a thousand times slower than the CPU provider. */
const SIZE = { width: 16, height: 16 };
const COUNT = 2;

/** Environment in which the webgpu provider finds a driver without a GPU. Nothing here is skipped where there is none. */
function environment(): Record<string, string> {
  if (process.platform !== 'linux') return {};
  const icd = findSwiftShader();
  if (!icd) throw new Error('no Vulkan driver was found: run npm run setup');
  return { VK_ICD_FILENAMES: icd, VK_DRIVER_FILES: icd, XDG_RUNTIME_DIR: folder.path };
}

/** Two different textured frames. */
function frames({ format }: ModelVariant): ArrayBuffer {
  const { bytes } = frameLayout(format, SIZE.width, SIZE.height);
  const wide = sampleBytes(format) === 2;
  const values = new (wide ? Uint16Array : Uint8Array)((COUNT * bytes) / sampleBytes(format));
  const top = format === 'rgb48le' ? 65_535 : wide ? 1023 : 255;
  for (let i = 0; i < values.length; i += 1) {
    const share = 0.5 + 0.3 * Math.sin(i / 5 + (i * COUNT) / values.length) + 0.15 * Math.cos(i * 1.7);
    values[i] = Math.round(top * share);
  }
  return values.buffer;
}

async function run(model: Model, variant: ModelVariant, provider: Provider): Promise<Uint8Array | Uint16Array> {
  const engine = await Engine.create({
    ...{ file: variant.file, contract: variant.contract, format: variant.format, provider, ...SIZE },
    ...{ scale: model.scale, threads: 1, tile: undefined },
  });
  const output = await engine.run(frames(variant), COUNT);
  return sampleBytes(variant.format) === 2 ? new Uint16Array(output) : new Uint8Array(output);
}

function mostDifference(expected: ArrayLike<number>, result: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < expected.length; i += 1) most = Math.max(most, Math.abs((expected[i] ?? 0) - (result[i] ?? -1)));
  return most;
}

function meanDifference(expected: ArrayLike<number>, result: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < expected.length; i += 1) sum += Math.abs((expected[i] ?? 0) - (result[i] ?? -1));
  return sum / expected.length;
}

/** Levels of the format by which results may differ: the order of sums, and rounding of halves. */
const TOLERANCE: Readonly<Record<string, number>> = { rgb24: 1, yuv420p: 1, yuv420p10le: 1, rgb48le: 16 };

/** A sum between two steps of int8 may be rounded to either, which the blocks behind it make more of: here and there, not on the whole. */
const INT8_TOLERANCE = { most: 24, mean: 1 } as const;

describe('webgpu', { timeout: 300_000 }, () => {
  beforeAll(() => {
    Object.assign(process.env, environment());
  });

  const cases = models.flatMap((model) => model.variants.map((variant) => ({ model, variant })));

  it.each(cases.map((found) => [found.model.name, found.variant.precision, found.variant.format, found] as const))(
    'computes %s in %s on %s frames as the CPU does',
    async (_name, precision, format, { model, variant }) => {
      const expected = await run(model, variant, 'cpu');
      const result = await run(model, variant, 'webgpu');
      expect(result).toHaveLength(expected.length);
      const tolerance = precision === 'int8' ? INT8_TOLERANCE.most : TOLERANCE[format];
      expect(mostDifference(expected, result)).toBeLessThanOrEqual(tolerance ?? 0);
      if (precision === 'int8') expect(meanDifference(expected, result)).toBeLessThan(INT8_TOLERANCE.mean);
      expect(new Set(result).size).toBeGreaterThan(20);
    },
  );

  it('runs the convolutions itself, not the CPU behind it', async () => {
    const variant = models[0]?.variants.find(({ format }) => format === 'rgb24');
    const profile = { enableProfiling: true, profileFilePrefix: folder.file('profile') };
    const session = await InferenceSession.create(variant?.file ?? '', { ...sessionOptions('webgpu', 1), ...profile });
    await session.run({ input: new Tensor('uint8', new Uint8Array(16 * 16 * 3), [1, 16, 16, 3]) });
    session.endProfiling();
    const [file] = readdirSync(folder.path).filter((name) => name.startsWith('profile'));
    const events = JSON.parse(readFileSync(folder.file(file ?? ''), 'utf8')) as {
      readonly args?: { readonly op_name?: string; readonly provider?: string };
    }[];
    const convolutions = events.filter(({ args }) => args?.op_name === 'Conv' && args.provider !== undefined);
    expect(convolutions.length).toBeGreaterThan(0);
    expect(new Set(convolutions.map(({ args }) => args?.provider))).toEqual(new Set(['WebGpuExecutionProvider']));
  });

  it('survives sessions that run, open and close at the same time', async () => {
    const model = await resolveModel('tinysr-nano');
    const variant = model.variants.find(({ format }) => format === 'rgb24') as ModelVariant;
    const expected = await run(model, variant, 'cpu');
    const { file, format } = variant;
    const spec: SessionSpec = {
      ...{ file, format, contract: undefined, provider: 'webgpu', ...SIZE, scale: model.scale, threads: 1 },
      tile: undefined,
    };
    const use = async () => {
      const session = await WorkerSession.open(spec);
      const results = await Promise.all([1, 2, 3].map(() => session.run(frames(variant), COUNT)));
      await session.close();
      return results.map(({ output }) => mostDifference(expected, new Uint8Array(output)));
    };
    const differences = (await Promise.all([use(), use(), use()])).flat();
    expect(differences).toHaveLength(9);
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });

  it('is not what auto takes when it is slower than the CPU', async () => {
    const model = await resolveModel('tinysr-nano');
    expect(await chooseProvider(model, 'auto')).toBe('cpu');
  });

  it('can be asked for, and upscales a video like the CPU', async () => {
    const input = folder.file('in.mkv');
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=16x16:rate=5:duration=1',
      '-c:v',
      'ffv1',
      '-pix_fmt',
      'yuv420p',
      input,
    );
    const pictures: Buffer[] = [];
    for (const device of ['cpu', 'webgpu']) {
      const output = folder.file(`${device}.mkv`);
      const options = ['--device', device, '--precision', 'fp32', '--codec', 'ffv1'];
      const { code, stderr } = await runCli([input, output, ...options]);
      expect(stderr).not.toContain('TSR_');
      expect(code).toBe(0);
      pictures.push(await ffmpeg('-i', output, '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-'));
    }
    const [expected, result] = pictures as [Buffer, Buffer];
    expect(expected).toHaveLength(5 * 64 * 96);
    expect(result).toHaveLength(expected.length);
    expect(mostDifference(expected, result)).toBeLessThanOrEqual(1);
  });
});
