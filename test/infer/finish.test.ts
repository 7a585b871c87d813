import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createUpscaler, type FrameFormat, frameLayout, resolveModel } from '#src/index.js';
import { testFolder } from '../support/folder.js';
import { enlarger, floats, onnx } from '../support/onnx.js';
import { errorOf } from '../support/upscale.js';

const folder = testFolder();
/** Of the structure of the published release, with random weights (training/tests/release.py, training/convert.py). */
const PAPER = fileURLToPath(new URL('./fixtures/tinysr-paper.onnx', import.meta.url));

/** Smooth, with another colour left than right, so that tiles differ from the frame. */
function picture(format: FrameFormat, width: number, height: number): Uint8Array | Uint16Array {
  const top = format === 'rgb24' ? 255 : 65535;
  const level = (x: number, y: number, channel: number) =>
    0.25 + 0.4 * (x / width) * (channel === 0 ? 1 : 0.6) + 0.1 * Math.sin(y / 5 + channel);
  const samples = Array.from({ length: width * height * 3 }, (_, i) =>
    Math.round(top * level(Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3)),
  );
  return format === 'rgb24' ? Uint8Array.from(samples) : Uint16Array.from(samples);
}

async function run(file: string, format: FrameFormat, width: number, height: number) {
  const model = await resolveModel(file);
  await using upscaler = await createUpscaler({ model, device: 'cpu', format, width, height, threads: 1 });
  const frame = picture(format, width, height);
  expect(frame.byteLength).toBe(frameLayout(format, width, height).bytes);
  const { output } = await upscaler.upscale(new Uint8Array(frame.slice().buffer).buffer, 1);
  return { model, frame, output: format === 'rgb24' ? new Uint8Array(output) : new Uint16Array(output) };
}

/** Mean and deviation of each channel. */
function statistics(samples: Uint8Array | Uint16Array) {
  return [0, 1, 2].map((channel) => {
    const own = Array.from(samples).filter((_, i) => i % 3 === channel);
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
    return [mean, Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length)];
  });
}

/** Gives `target` the mean that all of `source` has. */
const sameMean = onnx(
  ['source', 'target'].map((name) => ({ name, type: 'float32', shape: [1, `${name}-h`, `${name}-w`, 3] })),
  [{ name: 'fixed', type: 'float32', shape: [1, 'target-h', 'target-w', 3] }],
  [
    { op: 'ReduceMean', inputs: ['source'], outputs: ['wanted'], attributes: { axes: [1, 2, 3] } },
    { op: 'ReduceMean', inputs: ['target'], outputs: ['mean'], attributes: { axes: [1, 2, 3] } },
    { op: 'Div', inputs: ['wanted', 'mean'], outputs: ['gain'] },
    { op: 'Mul', inputs: ['target', 'gain'], outputs: ['fixed'] },
  ],
);

describe('a finish', () => {
  const darker = async (name: string, sidecar: object, sides?: [number, number]) => {
    const file = await folder.made(`${name}.onnx`, (path) =>
      writeFile(
        path,
        enlarger({
          scale: 2,
          ...(sides && { sides }),
          before: [{ op: 'Mul', inputs: ['picture', 'half'], outputs: ['prepared'] }],
          constants: [{ name: 'half', type: 'float32', dims: [1], data: floats(0.5) }],
        }),
      ),
    );
    await folder.made('mean.onnx', (path) => writeFile(path, sameMean));
    await writeFile(`${file}.json`, JSON.stringify(sidecar));
    return file;
  };

  it.each(['rgb24', 'rgb48le'] as const)('sees whole %s frames, not tiles', async (format) => {
    const file = await darker(`darker-${format}`, { finish: 'mean.onnx', range: 1 }, [64, 64]);
    const { frame, output } = await run(file, format, 150, 100);
    let difference = 0;
    for (const [i, value] of output.entries()) {
      const [x, y] = [Math.floor(i / 3) % 300, Math.floor(i / 900)];
      difference = Math.max(difference, Math.abs(value - (frame[((y >> 1) * 150 + (x >> 1)) * 3 + (i % 3)] ?? 0)));
    }
    // The model gives half the levels: one of them is two here. With 16 bits float32 rounds, too.
    expect(difference).toBeLessThanOrEqual(format === 'rgb24' ? 2 : 16);
  });

  it('works on whole frames that were not cut, too', async () => {
    const { frame, output } = await run(await darker('whole', { finish: 'mean.onnx', range: 1 }), 'rgb24', 40, 30);
    for (const [channel, [mean = 0]] of statistics(output).entries()) {
      expect(Math.abs(mean - (statistics(frame)[channel]?.[0] ?? 0))).toBeLessThan(1);
    }
  });

  it.each(['../mean.onnx', 'mean.txt', 'lacking.onnx'])('named %s is refused', async (finish) => {
    const error = await errorOf(resolveModel(await darker(`bad-${finish.replaceAll('/', '-')}`, { finish })));
    expect(error.code).toBe('TSR_MODEL_INVALID');
  });
});

describe('the converted release', () => {
  it.each(['rgb24', 'rgb48le'] as const)('runs in tiles, and %s frames keep their colours', async (format) => {
    const { model, frame, output } = await run(PAPER, format, 70, 50);
    expect(model).toMatchObject({ name: 'tinysr-paper', scale: 4, tile: 32, receptiveRadius: 4 });
    expect(output).toHaveLength(frame.length * 16);
    const white = format === 'rgb24' ? 255 : 65535;
    const before = statistics(frame);
    for (const [channel, values] of statistics(output).entries()) {
      for (const [i, value] of values.entries()) {
        // What lies beyond black and white is cut off afterwards.
        expect(Math.abs(value - (before[channel]?.[i] ?? 0)) / white).toBeLessThan(0.02);
      }
    }
  });
});
