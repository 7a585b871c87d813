import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createUpscaler, type FrameFormat, resolveModel } from '#src/index.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { type Enlarger, enlarger, floats, onnx } from '../support/onnx.js';
import { worstPsnr } from '../support/pictures.js';
import { errorOf, upscale } from '../support/upscale.js';

const folder = testFolder();
const [WIDTH, HEIGHT] = [34, 18];

async function model(name: string, options: Enlarger, sidecar?: Record<string, unknown>): Promise<string> {
  const file = await folder.made(name, (path) => writeFile(path, enlarger(options)));
  if (sidecar) await writeFile(`${file}.json`, JSON.stringify(sidecar));
  return file;
}

type Samples = Uint8Array | Uint16Array;

/** A frame of soft colours that leave room below and above, of 8 or 16 bits. */
function soft(bits: 8 | 16, width = WIDTH, height = HEIGHT): Samples {
  const unit = bits === 8 ? 1 : 257;
  const frame = new (bits === 8 ? Uint8Array : Uint16Array)(width * height * 3);
  for (const at of frame.keys()) {
    const [x, y, channel] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width), at % 3];
    frame[at] = unit * (70 + ((x * (3 + channel) + y * (5 - channel)) % 110));
  }
  return frame;
}

/** A frame whose left half is of one colour, its right half of another. */
function halves(left: readonly number[], right: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, at) => {
    const colour = Math.floor(at / 3) % WIDTH < WIDTH / 2 ? left : right;
    return colour[at % 3] ?? 0;
  });
}

async function run(file: string, frame: Samples, size: readonly [number, number] = [WIDTH, HEIGHT]): Promise<Samples> {
  const deep = frame instanceof Uint16Array;
  const format: FrameFormat = deep ? 'rgb48le' : 'rgb24';
  const [width, height] = size;
  const found = await resolveModel(file);
  await using upscaler = await createUpscaler({ model: found, device: 'cpu', format, width, height, threads: 1 });
  const { output } = await upscaler.upscale(frame.slice().buffer as ArrayBuffer, 1);
  return deep ? new Uint16Array(output) : new Uint8Array(output);
}

const sampleAt = (frame: Samples, width: number, [x, y, channel]: readonly [number, number, number]) =>
  frame[(y * width + x) * 3 + channel] ?? Number.NaN;

/** Luma of BT.601, not rounded. */
function luma(frame: Samples, width: number, x: number, y: number): number {
  const [red, green, blue] = [0, 1, 2].map((channel) => sampleAt(frame, width, [x, y, channel]));
  return 0.299 * (red ?? 0) + 0.587 * (green ?? 0) + 0.114 * (blue ?? 0);
}

const contractOf = async (file: string) => (await resolveModel(file)).variants[0]?.contract;

describe('a grey model', () => {
  it.each([
    { scale: 2, layout: 'nchw', type: 'float32' },
    { scale: 3, layout: 'nhwc', type: 'float32' },
    { scale: 4, layout: 'nchw', type: 'uint8' },
    { scale: 2, layout: 'nhwc', type: 'uint8' },
  ] as const)('%o is recognised, and makes the luma of frames', async (options) => {
    const { scale } = options;
    const file = await model(`${Object.values(options).join('-')}.onnx`, { ...options, channels: 1 });
    expect(await contractOf(file)).toMatchObject({
      ...{ layout: options.layout, type: options.type },
      channels: 'grey',
    });
    const frame = soft(8);
    const output = await run(file, frame);
    expect(output.length).toBe(frame.length * scale * scale);
    for (let y = 0; y < HEIGHT * scale; y += 1) {
      for (let x = 0; x < WIDTH * scale; x += 1) {
        const own = luma(frame, WIDTH, Math.floor(x / scale), Math.floor(y / scale));
        // Luma is rounded once, and each colour.
        expect(Math.abs(luma(output, WIDTH * scale, x, y) - own)).toBeLessThanOrEqual(1.001);
      }
    }
  });

  it('of frames of 16 bits makes 16 bits', async () => {
    const file = await model('deep.onnx', { scale: 2, channels: 1 });
    const frame = soft(16);
    const output = await run(file, frame);
    for (let x = 0; x < WIDTH * 2; x += 1) {
      const difference = luma(output, WIDTH * 2, x, 7) - luma(frame, WIDTH, Math.floor(x / 2), 3);
      expect(Math.abs(difference)).toBeLessThanOrEqual(1.05);
    }
  });

  it('leaves colours and grey as they are, to black and white', async () => {
    const file = await model('colours.onnx', { scale: 2, channels: 1 });
    for (const [left, right] of [
      [
        [200, 30, 40],
        [20, 60, 250],
      ],
      [
        [0, 0, 0],
        [255, 255, 255],
      ],
      [
        [255, 0, 0],
        [0, 255, 0],
      ],
    ] as const) {
      const output = await run(file, halves(left, right));
      for (const channel of [0, 1, 2] as const) {
        // One pixel of the source beside the border its colours mix.
        for (const x of [0, WIDTH - 3]) expect(sampleAt(output, WIDTH * 2, [x, 9, channel])).toBe(left[channel]);
        for (const x of [WIDTH + 2, WIDTH * 2 - 1])
          expect(sampleAt(output, WIDTH * 2, [x, 9, channel])).toBe(right[channel]);
      }
    }
  });

  it('of a fixed size gives what the free one gives', async () => {
    const size = [150, 100] as const;
    const frame = soft(8, ...size);
    const fixed = await run(await model('fixed.onnx', { scale: 2, channels: 1, sides: [64, 64] }), frame, size);
    const free = await run(await model('free.onnx', { scale: 2, channels: 1 }), frame, size);
    expect(fixed.length).toBe(free.length);
    expect(fixed.every((value, at) => Math.abs(value - (free[at] ?? 0)) <= 1)).toBe(true);
  });

  it('takes a clip through the whole line', async () => {
    const source = await folder.made('clip.mkv', (path) =>
      ffmpeg(
        ...['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25,gblur=sigma=1.5', '-frames:v', '3'],
        ...['-pix_fmt', 'yuv420p', '-c:v', 'ffv1', path],
      ),
    );
    const output = folder.file('enlarged.mkv');
    const file = await model('clip.onnx', { scale: 2, channels: 1, mode: 'linear' });
    const { done } = await upscale({ input: source, output, model: file, codec: 'ffv1' });
    expect(done.frames).toBe(3);
    expect(await worstPsnr(source, output, 'rgb24')).toBeGreaterThan(30);
  });

  /** Takes one channel, as its weights say and its axes do not. */
  const unnamed = {
    ...{ scale: 2, channels: 'c' },
    before: [
      { op: 'Conv', inputs: ['picture', 'weights'], outputs: ['prepared'], attributes: { kernel_shape: [1, 1] } },
    ],
    constants: [{ name: 'weights', type: 'float32', dims: [1, 1, 1, 1], data: floats(1) }],
  } as const;

  it('whose axes do not tell is one that a sidecar tells of', async () => {
    const error = await errorOf(resolveModel(await model('untold.onnx', unnamed)));
    expect(error.code).toBe('TSR_MODEL_UNSUPPORTED');
    expect(await contractOf(await model('told.onnx', unnamed, { channels: 'grey' }))).toMatchObject({
      channels: 'grey',
    });
  });

  it('that gives colours is refused', async () => {
    const shape = (channels: number) => ['n', channels, 'h', 'w'];
    const file = await folder.made('coloured.onnx', (path) =>
      writeFile(
        path,
        onnx(
          [{ name: 'picture', type: 'float32', shape: shape(1) }],
          [{ name: 'three', type: 'float32', shape: shape(3) }],
          [{ op: 'Concat', inputs: ['picture', 'picture', 'picture'], outputs: ['three'], attributes: { axis: 1 } }],
        ),
      ),
    );
    const error = await errorOf(resolveModel(file));
    expect([error.code, error.message]).toEqual([
      'TSR_MODEL_UNSUPPORTED',
      expect.stringContaining('not a grey picture'),
    ]);
  });
});

describe('the order of channels', () => {
  /** A model that makes its first channel black. */
  const firstless = {
    scale: 2,
    before: [{ op: 'Mul', inputs: ['picture', 'shares'], outputs: ['prepared'] }],
    constants: [{ name: 'shares', type: 'float32', dims: [1, 3, 1, 1], data: floats(0, 1, 1) }],
  } as const;

  it.each([
    ['rgb', undefined, 0],
    ['bgr', { channels: 'bgr' }, 2],
  ] as const)('is %s by the sidecar %o', async (name, sidecar, black) => {
    const file = await model(`${name}.onnx`, firstless, sidecar);
    expect(await contractOf(file)).toMatchObject({ channels: name });
    for (const bits of [8, 16] as const) {
      const frame = soft(bits);
      const output = await run(file, frame);
      for (const channel of [0, 1, 2]) {
        const own = channel === black ? 0 : sampleAt(frame, WIDTH, [5, 6, channel]);
        expect(sampleAt(output, WIDTH * 2, [11, 12, channel])).toBe(own);
      }
    }
  });

  it.each([
    ['grey', 3, /3 channels, not 1 \(grey\)/],
    ['bgr', 1, /1 channels, not 3 \(bgr\)/],
  ] as const)('%s is refused for a model of %i channels', async (said, channels, message) => {
    const file = await model(`not-${said}.onnx`, { scale: 2, channels }, { channels: said });
    const error = await errorOf(resolveModel(file));
    expect([error.code, error.message]).toEqual(['TSR_MODEL_UNSUPPORTED', expect.stringMatching(message)]);
  });
});
