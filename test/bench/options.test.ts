import { describe, expect, it } from 'vitest';
import { BENCH_OPTIONS } from '#src/bench/index.js';
import { parseBenchOptions } from '#src/bench/parse-options.js';

describe('options of bench', () => {
  it('names each option once, by the long flag', () => {
    const names = BENCH_OPTIONS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, flag } of BENCH_OPTIONS) expect(flag.endsWith(`--${name}`)).toBe(true);
  });

  it('reads lists, sizes and numbers', () => {
    const { options, json } = parseBenchOptions({
      ...{ model: 'a,b', peer: ['x.onnx', 'y.onnx'], device: 'cpu', size: '270p,64x48', batch: '4', json: true },
    });
    expect(options).toMatchObject({ mode: 'default', models: ['a', 'b'], peers: ['x.onnx', 'y.onnx'], batch: 4 });
    expect(options.sizes).toEqual([
      { name: '270p', width: 480, height: 270 },
      { name: '64x48', width: 64, height: 48 },
    ]);
    expect(json).toBe(true);
  });

  it('reads what a live run takes', () => {
    expect(parseBenchOptions({ stream: true }).options.stream).toEqual({ fps: [30], seconds: undefined });
    const { stream } = parseBenchOptions({ stream: true, fps: '15,29.97', seconds: '60' }).options;
    expect(stream).toEqual({ fps: [15, 29.97], seconds: 60 });
    expect(parseBenchOptions({}).options.stream).toBeUndefined();
  });

  it.each([
    [{ stream: true, fps: '0' }, /--fps takes/],
    [{ stream: true, fps: 'many' }, /--fps takes/],
    [{ stream: true, seconds: '3' }, /--seconds must be 4 or more/],
    [{ stream: true, batch: '2' }, /--batch and --stream exclude/],
    [{ stream: true, peer: 'a.onnx' }, /--peer and --stream exclude/],
    [{ fps: '30' }, /--fps goes with --stream/],
    [{ seconds: '30' }, /--seconds goes with --stream/],
    [{ quick: true, full: true }, /exclude each other/],
    [{ input: 'a.mp4', size: '270p' }, /exclude each other/],
    [{ size: '271p' }, /size 271p/],
    [{ size: '65x48' }, /size 65x48/],
    [{ size: '8x8' }, /size 8x8/],
    [{ device: 'gpu' }, /--device gpu/],
    [{ batch: '0' }, /--batch must be a whole number/],
    [{ threads: 'all' }, /--threads must be a whole number/],
    [{ model: 'a,,b' }, /--model needs names/],
  ])('refuses %j', (values, message) => {
    expect(() => parseBenchOptions(values)).toThrowError(
      expect.objectContaining({ code: 'TSR_USAGE', message: expect.stringMatching(message) }),
    );
  });
});
