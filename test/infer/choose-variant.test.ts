import { describe, expect, it } from 'vitest';
import { chooseVariant } from '#src/infer/choose-variant.js';
import { hasByteProducts, namesByteProducts } from '#src/infer/cpu-features.js';
import type { Model } from '#src/infer/types.js';
import type { FrameFormat } from '#src/shared/layout.js';

function model(...graphs: readonly (readonly [FrameFormat, 'fp32' | 'fp16' | 'int8'])[]): Model {
  const variants = graphs.map(([format, precision]) => ({ file: `${format}-${precision}.onnx`, format, precision }));
  return { name: 'some', scale: 4, multiple: 2, variants };
}

describe('the graph of a model', () => {
  const both = model(['yuv420p', 'fp32'], ['yuv420p', 'int8'], ['rgb24', 'fp32'], ['yuv420p10le', 'fp32']);

  it.each([
    ['cpu', 'yuv420p', 'auto', 'fp32'],
    ['cpu', 'rgb24', 'auto', 'fp32'],
    ['cpu', 'yuv420p10le', 'auto', 'fp32'],
    ['webgpu', 'yuv420p', 'auto', 'fp32'],
    ['cuda', 'yuv420p', 'auto', 'fp32'],
    ['cpu', 'yuv420p', 'fp32', 'fp32'],
    ['webgpu', 'yuv420p', 'int8', 'int8'],
  ] as const)('on %s for %s frames, precision %s, is the %s one', (provider, format, precision, expected) => {
    expect(chooseVariant(both, format, provider, precision)).toMatchObject({ format, precision: expected });
  });

  it('in int8 is given to a CPU that has products of bytes only', () => {
    const choose = () => chooseVariant(both, 'yuv420p', 'cpu', 'int8');
    if (hasByteProducts()) expect(choose()).toMatchObject({ precision: 'int8' });
    else expect(choose).toThrow('int8 would come out wrong on this CPU');
  });

  it('is the first that is not int8, wherever that one stands', () => {
    const turned = model(['yuv420p', 'int8'], ['yuv420p', 'fp16']);
    expect(chooseVariant(turned, 'yuv420p', 'cuda', 'auto').precision).toBe('fp16');
  });

  it('that is not there is told with those that are', () => {
    expect(() => chooseVariant(both, 'rgb24', 'cpu', 'int8')).toThrow(
      expect.objectContaining({
        code: 'TSR_MODEL_UNSUPPORTED',
        message: 'some has no int8 graph for rgb24 frames',
        hint: expect.stringContaining('It has fp32'),
      }),
    );
    expect(() => chooseVariant(both, 'rgb48le', 'cpu', 'auto')).toThrow('some has no graph for rgb48le frames');
  });
});

describe('products of bytes', () => {
  it.each([
    ['flags\t\t: fpu sse2 avx512f avx512_vnni avx512_bitalg', true],
    ['flags\t\t: fpu avx2 avx_vnni serialize', true],
    ['flags\t\t: fpu sse2 avx2 avx512f avx512bw avx512vl', false],
    ['Features\t: fp asimd evtstrm aes asimdhp cpuid asimddp', true],
    ['Features\t: fp asimd evtstrm aes crc32', false],
    ['model name\t: avx512_vnni', false],
    ['', false],
  ])('%j: %s', (text, expected) => {
    expect(namesByteProducts(`processor\t: 0\n${text}\nbugs\t\t: spectre_v1\n`)).toBe(expected);
  });
});
