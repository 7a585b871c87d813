import { mkdirSync, symlinkSync } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createUpscaler, type FrameFormat, frameLayout, resolveModel } from '#src/index.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { type Enlarger, enlarger, floats, integers, onnx } from '../support/onnx.js';
import { decode } from '../support/pictures.js';
import { errorOf, upscale } from '../support/upscale.js';

const folder = testFolder();
const model = (name: string, options: Enlarger) => folder.made(name, (path) => writeFile(path, enlarger(options)));

/** A frame in which every sample differs from its neighbours. */
function noise(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 37 + (i >> 5) * 91 + (i >> 9) * 53) & 255);
}

/** Every pixel `scale` times, both ways: what a nearest-neighbour model must give. */
function repeated(frame: Uint8Array, width: number, height: number, pixelBytes: number, scale: number): Uint8Array {
  const result = new Uint8Array(frame.length * scale * scale);
  for (let y = 0; y < height * scale; y += 1) {
    for (let x = 0; x < width * scale; x += 1) {
      const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * pixelBytes;
      result.set(frame.subarray(from, from + pixelBytes), (y * width * scale + x) * pixelBytes);
    }
  }
  return result;
}

async function run(file: string, format: FrameFormat, width: number, height: number, tile?: number) {
  const found = await resolveModel(file);
  const upscaler = await createUpscaler({ model: found, device: 'cpu', format, width, height, threads: 1, tile });
  try {
    const frame = noise(frameLayout(format, width, height).bytes);
    const { output, input } = await upscaler.upscale(frame.slice().buffer, 1);
    expect(input.byteLength).toBe(frame.length);
    return { frame, output: new Uint8Array(output), upscaler, found };
  } finally {
    await upscaler.close();
  }
}

describe('models of other makers', () => {
  it.each([
    { scale: 2, layout: 'nchw', type: 'float32' },
    { scale: 3, layout: 'nchw', type: 'float32' },
    { scale: 4, layout: 'nchw', type: 'float32' },
    { scale: 2, layout: 'nhwc', type: 'float32' },
    { scale: 4, layout: 'nhwc', type: 'float32' },
    { scale: 2, layout: 'nchw', type: 'uint8' },
    { scale: 3, layout: 'nhwc', type: 'uint8' },
  ] as const)('%o is recognised, and every pixel is exact', async (options) => {
    const file = await model(`${Object.values(options).join('-')}.onnx`, options);
    const { frame, output, found } = await run(file, 'rgb24', 34, 18);
    expect(found.scale).toBe(options.scale);
    expect(found.multiple).toBe(1);
    expect(found.tile).toBeUndefined();
    expect(found.variants[0]?.contract).toMatchObject({ layout: options.layout, type: options.type });
    expect(Buffer.compare(output, repeated(frame, 34, 18, 3, options.scale))).toBe(0);
  });

  it.each(['nchw', 'nhwc'] as const)('16-bit frames pass a float %s model exactly', async (layout) => {
    const file = await model(`deep-${layout}.onnx`, { scale: 2, layout });
    const { frame, output } = await run(file, 'rgb48le', 34, 18);
    expect(Buffer.compare(output, repeated(frame, 34, 18, 6, 2))).toBe(0);
  });

  describe('are told to compute in the numbers that they compute in', () => {
    const halves = Buffer.from(Uint16Array.from([0x3c00, 0, 0, 0, 0x3c00, 0, 0, 0, 0x3c00]).buffer);
    const same = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    const cast = (from: string, to: number, name: string) => ({
      ...{ op: 'Cast', inputs: [from], outputs: [name], attributes: { to } },
    });
    const conv = (picture: string, weights: string, name: string) => ({
      ...{ op: 'Conv', inputs: [picture, weights], outputs: [name], attributes: { kernel_shape: [1, 1] } },
    });
    const halfWeights = { name: 'weights', type: 'float16', dims: [3, 3, 1, 1], data: halves } as const;
    const scalar = (name: string, value: number) => ({
      ...{ name, type: 'float32' as const, dims: [], data: floats(value) },
    });
    const pass = (op: string, inputs: readonly string[], name: string) => ({ op, inputs, outputs: [name] });

    it.each([
      [
        'fp32',
        'floats',
        [conv('picture', 'weights', 'prepared')],
        [{ name: 'weights', type: 'float32', dims: [3, 3, 1, 1], data: floats(...same) }],
      ],
      [
        'fp16',
        'half floats between ports of floats',
        [cast('picture', 10, 'half'), conv('half', 'weights', 'done'), cast('done', 1, 'prepared')],
        [halfWeights],
      ],
      [
        'fp32',
        'half floats that are only stored so',
        [cast('weights', 1, 'whole'), conv('picture', 'whole', 'prepared')],
        [halfWeights],
      ],
      [
        'int8',
        'bytes between ports of floats',
        [
          pass('QuantizeLinear', ['picture', 'step', 'none'], 'bytes'),
          pass('DequantizeLinear', ['bytes', 'step', 'none'], 'read'),
          pass('DequantizeLinear', ['weights', 'unit'], 'whole'),
          conv('read', 'whole', 'prepared'),
        ],
        [
          { name: 'weights', type: 'int8', dims: [3, 3, 1, 1], data: Buffer.from(same.map((value) => value * 64)) },
          ...[scalar('step', 1 / 255), scalar('unit', 1 / 64)],
          { name: 'none', type: 'uint8', dims: [], data: Buffer.of(0) },
        ],
      ],
    ] as const)('%s: %s', async (precision, name, before, constants) => {
      const file = await model(`${precision} ${name}.onnx`, { scale: 2, before, constants });
      const { frame, output, found, upscaler } = await run(file, 'rgb24', 34, 18);
      expect(found.variants.map((variant) => variant.precision)).toEqual([precision, precision]);
      expect(upscaler.precision).toBe(precision);
      const expected = repeated(frame, 34, 18, 3, 2);
      // Half floats have steps of less than a level; sums of bytes come out within one.
      for (const [index, value] of output.entries()) expect(Math.abs(value - (expected[index] ?? 0))).toBeLessThan(2);
    });
  });

  it('a model that works in 0..255 is recognised', async () => {
    // Rounding down makes black of all that is given as 0..1.
    const before = [{ op: 'Floor', inputs: ['picture'], outputs: ['prepared'] }];
    const file = await model('range.onnx', { scale: 2, before });
    const { frame, output, found } = await run(file, 'rgb24', 34, 18);
    expect(found.variants[0]?.contract?.range).toBe(255);
    expect(Buffer.compare(output, repeated(frame, 34, 18, 3, 2))).toBe(0);
  });

  /** Takes only sides that are multiples of `side`. */
  const blocks = (side: number) => [
    { op: 'SpaceToDepth', inputs: ['picture'], outputs: ['deep'], attributes: { blocksize: side } },
    { op: 'DepthToSpace', inputs: ['deep'], outputs: ['prepared'], attributes: { blocksize: side, mode: 'DCR' } },
  ];

  it('a model that takes only multiples of 4 is recognised, and a clip of any size passes it exactly', async () => {
    const file = await model('multiple.onnx', { scale: 2, before: blocks(4) });
    expect((await resolveModel(file)).multiple).toBe(4);
    await expectExactClip(file, 2, '37x23');
  });

  it.each([2, 3, 7, 8, 12, 16, 24, 28, 32, 48, 56, 64, 96, 128])(
    'of a model that takes only multiples of %i none smaller is believed',
    async (multiple) => {
      const file = await model(`multiple-${multiple}.onnx`, { scale: 2, before: blocks(multiple) });
      expect((await resolveModel(file)).multiple).toBe(multiple);
    },
  );

  it('a multiple that is not tried is one that a sidecar names', async () => {
    const file = await model('multiple-40.onnx', { scale: 2, before: blocks(40) });
    const error = await errorOf(resolveModel(file));
    expect([error.code, error.message]).toEqual([
      'TSR_MODEL_UNSUPPORTED',
      expect.stringMatching(/none of the picture sizes tried.*: SpaceToDepth: .*multiple of block_size/),
    ]);
    expect(error.hint).toMatch(/docs\/models\.md/);
    await writeFile(`${file}.json`, '{"multiple": 40}');
    expect((await resolveModel(file)).multiple).toBe(40);
    await expectExactClip(file, 2, '50x30');
  });

  /** Takes the first picture only, whatever the axis says, as graphs do that were exported with a batch of one baked in. */
  const first = {
    before: [{ op: 'Slice', inputs: ['picture', 'zero', 'one', 'zero'], outputs: ['prepared'] }],
    constants: [
      { name: 'zero', type: 'int64', dims: [1], data: integers(0) },
      { name: 'one', type: 'int64', dims: [1], data: integers(1) },
    ],
  } as const;

  it.each<[string, Partial<Enlarger>]>([
    ['says that it takes', { count: 1 }],
    ['takes, without saying so,', first],
  ])('a model that %s one picture a run gets no more, and a clip passes it exactly', async (words, options) => {
    const file = await model(`single-${words.length}.onnx`, { scale: 2, ...options });
    const found = await resolveModel(file);
    expect(found.batch).toBe(1);
    const size = { format: 'rgb24', width: 34, height: 18, threads: 1 } as const;
    for (const batch of [undefined, 4]) {
      await using upscaler = await createUpscaler({ model: found, device: 'cpu', ...size, batch });
      expect(upscaler.batch).toBe(1);
    }
    await expectExactClip(file, 2, '34x18');
  });

  it('a model that takes any number of pictures gets several', async () => {
    const found = await resolveModel(await model('many.onnx', { scale: 2 }));
    const size = { format: 'rgb24', width: 34, height: 18, threads: 1 } as const;
    await using upscaler = await createUpscaler({ model: found, device: 'cpu', ...size });
    expect([found.batch, upscaler.batch > 1]).toEqual([undefined, true]);
  });

  it.each(['nchw', 'nhwc'] as const)('axes that say nothing are found by running: %s', async (layout) => {
    for (const [name, axes] of Object.entries({
      named: { channels: 'c' },
      nameless: { channels: '', sides: ['', ''], count: '' },
    } as const)) {
      const file = await model(`axes-${name}-${layout}.onnx`, { scale: 2, layout, ...axes });
      const { frame, output, found } = await run(file, 'rgb24', 34, 18);
      expect(found.variants[0]?.contract?.layout).toBe(layout);
      expect(Buffer.compare(output, repeated(frame, 34, 18, 3, 2))).toBe(0);
    }
  });

  it('a fixed tile is recognised, and a picture of any size is put together exactly', async () => {
    const file = await model('fixed.onnx', { scale: 2, sides: [64, 64] });
    const { frame, output, found, upscaler } = await run(file, 'rgb24', 150, 100);
    expect([found.tile, upscaler.tile]).toEqual([64, 64]);
    expect(Buffer.compare(output, repeated(frame, 150, 100, 3, 2))).toBe(0);
    await expectExactClip(file, 2, '37x23');
  });

  it.each([
    [65, 65, 65],
    [65, 66, 66],
    [65, 130, 66],
    [65, 131, 77],
    [65, 67, 200],
    [57, 150, 101],
    [64, 131, 77],
  ])('a fixed tile of %i gives all of %ix%i, to the last column and row', async (side, width, height) => {
    const file = await model(`fixed-${side}.onnx`, { scale: 2, sides: [side, side] });
    const { frame, output } = await run(file, 'rgb24', width, height + Math.max(0, side - height));
    expect(Buffer.compare(output, repeated(frame, width, Math.max(side, height), 3, 2))).toBe(0);
  });

  it.each([
    [96, 64],
    [97, 65],
    [64, 96],
    [131, 77],
    [250, 150],
  ])('a fixed oblong of 96x64 gives all of %ix%i', async (width, height) => {
    const file = await model('oblong.onnx', { scale: 2, sides: [64, 96] });
    const [w, h] = [Math.max(width, 96), Math.max(height, 64)];
    const { frame, output, found, upscaler } = await run(file, 'rgb24', w, h);
    expect(found.tile).toEqual({ width: 96, height: 64 });
    expect(upscaler.tile).toBe(96);
    expect(Buffer.compare(output, repeated(frame, w, h, 3, 2))).toBe(0);
  });

  it.each(['131x77', '40x90', '21x30'])('a clip of %s through a fixed oblong is exact', async (size) => {
    await expectExactClip(await model('oblong.onnx', { scale: 2, sides: [64, 96] }), 2, size);
  });

  it.each(['131x77', '130x130', '21x90'])('a clip of %s through a fixed tile of odd sides is exact', async (size) => {
    await expectExactClip(await model('fixed-65.onnx', { scale: 2, sides: [65, 65] }), 2, size);
  });

  it.each(['linear', 'nearest'] as const)(
    'a fixed %s model of odd sides gives what the free one gives',
    async (mode) => {
      const [fixed, free] = [
        await model(`odd-${mode}.onnx`, { scale: 3, mode, sides: [61, 61] }),
        await model(`free-${mode}.onnx`, { scale: 3, mode }),
      ];
      for (const [width, height] of [
        [132, 78],
        [131, 77],
        [62, 61],
      ] as const) {
        const [tiled, whole] = [await run(fixed, 'rgb24', width, height), await run(free, 'rgb24', width, height)];
        const differences = tiled.output.map((value, i) => Math.abs(value - (whole.output[i] ?? 0)));
        expect(Math.max(...differences.filter(Boolean), 0)).toBeLessThanOrEqual(1);
        // And in tiles that were asked for, of sides that may be odd.
        const cut = await run(free, 'rgb24', width, height, 61);
        expect(cut.output.every((value, i) => Math.abs(value - (whole.output[i] ?? 0)) <= 1)).toBe(true);
      }
    },
  );

  it('a clip through a model of another scale is exact', async () => {
    await expectExactClip(await model('clip-x3.onnx', { scale: 3, layout: 'nhwc' }), 3, '48x32');
  });

  async function expectExactClip(file: string, scale: number, size: string): Promise<void> {
    const source = await folder.made(`clip-${size}.mkv`, (path) =>
      ffmpeg('-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25,format=gbrp`, '-frames:v', '2', '-c:v', 'ffv1', path),
    );
    const output = folder.file(`exact-${scale}-${size}-${Math.random()}.mkv`);
    await upscale({ input: source, output, model: file, codec: 'ffv1', pixelFormat: 'gbrp' });
    const [before, after] = [await decode(source, { format: 'rgb24' }), await decode(output, { format: 'rgb24' })];
    expect([after.width, after.height]).toEqual([before.width * scale, before.height * scale]);
    expect(after.frames).toHaveLength(2);
    for (const [index, frame] of before.frames.entries()) {
      const expected = repeated(frame, before.width, before.height, 3, scale);
      expect(Buffer.compare(after.frames[index] ?? expected.subarray(1), expected)).toBe(0);
    }
  }
});

/** A model that doubles the picture and counts its values anew: `factor` times, less `offset`. */
function recounted(factor: number, offset: number): Buffer {
  return enlarger({
    scale: 2,
    before: [
      { op: 'Mul', inputs: ['picture', 'factor'], outputs: ['more'] },
      { op: 'Sub', inputs: ['more', 'offset'], outputs: ['prepared'] },
    ],
    constants: [
      { name: 'factor', type: 'float32', dims: [], data: floats(factor) },
      { name: 'offset', type: 'float32', dims: [], data: floats(offset) },
    ],
  });
}

describe('values and tiles that do not fit', () => {
  it.each([
    ['0 to 255 for 0 to 1', 255, 0],
    ['-1 to 1 for 0 to 1', 2, 1],
    ['0 to 1 for 0 to 255', 1 / 255, 0],
  ])('a model that gives %s is refused, unless its sidecar says what white is', async (name, factor, offset) => {
    const file = await folder.made(`${name.replaceAll(' ', '-')}.onnx`, (path) =>
      writeFile(path, recounted(factor, offset)),
    );
    const error = await errorOf(resolveModel(file));
    expect([error.code, error.message]).toEqual(['TSR_MODEL_UNSUPPORTED', expect.stringContaining('for grey of 0.5')]);
    expect(error.hint).toMatch(/wrapper.*sidecar/);
    await writeFile(`${file}.json`, '{"range": 1}');
    expect((await resolveModel(file)).variants[0]?.contract?.range).toBe(1);
  });

  it('a fixed side that is too small runs with the radius that its sidecar says', async () => {
    const file = await model('fixed-32.onnx', { scale: 2, sides: [32, 32] });
    const error = await errorOf(run(file, 'rgb24', 50, 40));
    expect([error.code, error.hint]).toEqual(['TSR_USAGE', expect.stringMatching(/share 40 of them.*receptiveRadius/)]);
    await writeFile(`${file}.json`, '{"receptiveRadius": 4}');
    const { frame, output } = await run(file, 'rgb24', 50, 40);
    expect(Buffer.compare(output, repeated(frame, 50, 40, 3, 2))).toBe(0);
  });

  it('tiles of another side than a model has are refused', async () => {
    const file = await model('fixed-64-only.onnx', { scale: 2, sides: [64, 64] });
    const error = await errorOf(run(file, 'rgb24', 150, 100, 128));
    expect([error.code, error.message]).toEqual(['TSR_USAGE', expect.stringContaining('in tiles of 64 pixels')]);
    expect((await run(file, 'rgb24', 150, 100, 64)).upscaler.tile).toBe(64);
  });
});

describe('a sidecar', () => {
  const withSidecar = async (name: string, sidecar: string) => {
    const file = await model(name, { scale: 2 });
    await writeFile(`${file}.json`, sidecar);
    return file;
  };

  it('names the model and says what inspection cannot know', async () => {
    const said = { name: 'mine', scale: 2, receptiveRadius: 3, multiple: 8, licence: 'MIT', range: 255 };
    const found = await resolveModel(await withSidecar('said.onnx', JSON.stringify(said)));
    expect(found).toMatchObject({ name: 'mine', scale: 2, receptiveRadius: 3, multiple: 8, licence: 'MIT' });
    expect(found.variants[0]?.contract?.range).toBe(255);
  });

  it.each([
    ['is no JSON', '{ scale: 2', 'TSR_MODEL_INVALID'],
    ['has a field that is not known', '{"scael": 2}', 'TSR_MODEL_INVALID'],
    ['has a value that cannot be', '{"scale": 7}', 'TSR_MODEL_INVALID'],
    ['says another scale than the graph has', '{"scale": 4}', 'TSR_MODEL_UNSUPPORTED'],
  ])('that %s is refused', async (what, sidecar, code) => {
    const error = await errorOf(resolveModel(await withSidecar(`${what.replaceAll(' ', '-')}.onnx`, sidecar)));
    expect(error.code).toBe(code);
    expect(error.hint).toMatch(/docs\/models\.md/);
  });

  it('may begin with a byte order mark', async () => {
    const found = await resolveModel(await withSidecar('marked.onnx', '\uFEFF{"name": "mine"}'));
    expect(found.name).toBe('mine');
  });

  it('with a value that cannot be is told by its field', async () => {
    const error = await errorOf(resolveModel(await withSidecar('field.onnx', '{"receptiveRadius": "wide"}')));
    expect(error.message).toMatch(/field\.onnx\.json: receptiveRadius: /);
  });

  it('that cannot be read is not passed over', async () => {
    const file = await model('unread.onnx', { scale: 2 });
    mkdirSync(`${file}.json`);
    const error = await errorOf(resolveModel(file));
    expect([error.code, error.message]).toEqual([
      'TSR_MODEL_INVALID',
      expect.stringContaining('.json: cannot be read: EISDIR'),
    ]);
  });
});

describe('a model that cannot be used', () => {
  const SHIPPED = new URL('../../models/tinysr-nano-rgb24.onnx', import.meta.url);
  const picture = (shape: readonly (number | string)[], type: 'float32' | 'uint8' = 'float32') => ({
    name: 'picture',
    type,
    shape,
  });
  const identity = [{ op: 'Identity', inputs: ['picture'], outputs: ['same'] }];
  const same = { name: 'same', type: 'float32', shape: ['n', 3, 'h', 'w'] } as const;

  it.each([
    ['text', async () => Buffer.from('This is not a model, but it is long enough to be one.'.repeat(20))],
    ['noise', async () => Buffer.from(noise(5000))],
    ['nothing', async () => Buffer.alloc(0)],
    ['half a model', async () => (await readFile(SHIPPED)).subarray(0, 40_000)],
    ['the head of a model', async () => enlarger({ scale: 2 }).subarray(0, 60)],
  ])('%s is not ONNX', async (name, content) => {
    const file = await folder.made(`${name.replaceAll(' ', '-')}.onnx`, async (path) =>
      writeFile(path, await content()),
    );
    const error = await errorOf(resolveModel(file));
    expect([error.code, error.exitCode]).toEqual(['TSR_MODEL_INVALID', 5]);
    expect(error.message).toContain(file);
    expect(error.message).not.toContain('\n');
  });

  it('of more than 2 GiB is not loaded', async () => {
    const file = await model('large.onnx', { scale: 2 });
    // With a hole: it takes no space.
    await truncate(file, 2 ** 31);
    const error = await errorOf(resolveModel(file));
    expect([error.code, error.message, error.hint]).toEqual([
      'TSR_MODEL_INVALID',
      expect.stringContaining('2 GiB'),
      expect.stringContaining('external data'),
    ]);
  });

  it.each([
    ['a newer format', (bytes: Buffer) => bytes.fill(99, 1, 2), /older opset/],
    ['newer operators', (bytes: Buffer) => bytes.fill(99, bytes.length - 1), /older opset/],
    [
      'an unknown operator',
      (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace('Resize', 'Rescue'), 'latin1'),
      /ONNX’s own operators/,
    ],
  ])("of %s says how to export it, and nothing of the runtime's sources", async (name, change, hint) => {
    const content = change(Buffer.from(enlarger({ scale: 2 })));
    const file = await folder.made(`${name.replaceAll(' ', '-')}.onnx`, (path) => writeFile(path, content));
    const error = await errorOf(resolveModel(file));
    expect([error.code, error.hint]).toEqual(['TSR_MODEL_INVALID', expect.stringMatching(hint)]);
    expect(error.message).not.toMatch(/onnxruntime_src|Load model from/);
    expect(error.message.split(file)).toHaveLength(2);
  });

  it.each([
    ['x1', () => enlarger({ scale: 1 }), /x1, not x2, x3 or x4/],
    ['x5', () => enlarger({ scale: 5 }), /x5, not x2, x3 or x4/],
    ['two channels', () => enlarger({ scale: 2, channels: 2 }), /2 channels, not 3 \(RGB\) or 1 \(grey\)/],
    ['four channels', () => enlarger({ scale: 2, channels: 4 }), /4 channels, not 3/],
    ['four channels last', () => enlarger({ scale: 2, layout: 'nhwc', channels: 4 }), /4 channels, not 3/],
    ['four pictures at once', () => enlarger({ scale: 2, count: 4 }), /takes 4 pictures at once/],
    ['sides that grow differently', () => enlarger({ scale: 2, across: 4 }), /unequally/],
    ['x1.5', () => enlarger({ scale: 1.5 }), /x1\.5, not x2, x3 or x4/],
    ['one fixed side', () => enlarger({ scale: 2, sides: [64, ''] }), /fixed to 64x\? \(height x width\)/],
    [
      'two outputs',
      () =>
        onnx(
          [picture(['n', 3, 'h', 'w'])],
          [same, { ...same, name: 'other' }],
          [...identity, { op: 'Relu', inputs: ['picture'], outputs: ['other'] }],
        ),
      /2 outputs \(same, other\)/,
    ],
    [
      'two inputs',
      () =>
        onnx(
          [picture(['n', 3, 'h', 'w']), { name: 'noise', type: 'float32', shape: ['n', 3, 'h', 'w'] }],
          [same],
          [{ op: 'Add', inputs: ['picture', 'noise'], outputs: ['same'] }],
        ),
      /2 inputs/,
    ],
    [
      'three dimensions',
      () => onnx([picture([3, 'h', 'w'])], [{ ...same, shape: [3, 'h', 'w'] }], identity),
      /3 dimensions/,
    ],
    [
      'floats out of bytes',
      () =>
        onnx(
          [picture(['n', 3, 'h', 'w'], 'uint8')],
          [same],
          [{ op: 'Cast', inputs: ['picture'], outputs: ['same'], attributes: { to: 1 } }],
        ),
      /takes uint8 and gives float32/,
    ],
    [
      'no picture',
      () =>
        onnx(
          [picture(['n', 3, 'h', 'w'])],
          [{ name: 'same', type: 'float32', shape: ['n', 3, 1, 1] }],
          [{ op: 'GlobalAveragePool', inputs: ['picture'], outputs: ['same'] }],
        ),
      /not x2, x3 or x4/,
    ],
  ])('%s is refused with what is wrong', async (name, content, message) => {
    const file = await folder.made(`wrong-${name.replaceAll(' ', '-')}.onnx`, (path) => writeFile(path, content()));
    const error = await errorOf(resolveModel(file));
    expect([error.code, error.exitCode]).toEqual(['TSR_MODEL_UNSUPPORTED', 5]);
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(/RGB|Export it/);
  });

  /** Adds a constant that lies in another file: nothing, as its values are zero. */
  const external = (location: string) =>
    enlarger({
      scale: 2,
      before: [{ op: 'Add', inputs: ['picture', 'bias'], outputs: ['prepared'] }],
      constants: [{ name: 'bias', type: 'float32', dims: [1, 3, 1, 1], data: { external: location, bytes: 12 } }],
    });

  it('external data is read from the folder of the model only', async () => {
    const place = folder.file('inside');
    mkdirSync(place);
    await writeFile(folder.file('outside.bin'), floats(0, 0, 0));
    await writeFile(`${place}/inside.bin`, floats(0, 0, 0));
    symlinkSync('../outside.bin', `${place}/linked.bin`);
    symlinkSync('/dev/zero', `${place}/endless.bin`);
    mkdirSync(`${place}/folder.bin`);
    const files = {
      good: 'inside.bin',
      above: '../outside.bin',
      absolute: folder.file('outside.bin'),
      gone: 'gone.bin',
      linked: 'linked.bin',
      endless: 'endless.bin',
      folder: 'folder.bin',
    };
    for (const [name, location] of Object.entries(files)) await writeFile(`${place}/${name}.onnx`, external(location));
    expect((await resolveModel(`${place}/good.onnx`)).scale).toBe(2);
    for (const name of Object.keys(files).filter((file) => file !== 'good')) {
      const error = await errorOf(resolveModel(`${place}/${name}.onnx`));
      expect(error.code, name).toBe('TSR_MODEL_INVALID');
      expect(error.hint).toMatch(/same folder/);
    }
  });

  it('a name that is neither shipped nor a file says which are shipped', async () => {
    const error = await errorOf(resolveModel('tinysr-giant'));
    expect(error.code).toBe('TSR_MODEL_NOT_FOUND');
    expect(error.hint).toContain('tinysr-nano');
  });
});
