import { from, lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  type BatchSource,
  createRelay,
  createUpscaler,
  type FrameBatch,
  previewFrame,
  probe,
  probeDevice,
  resolveModel,
  type UpscalerOptions,
  upscaleBatches,
  upscaleFrames,
  upscaleVideo,
} from '#src/index.js';
import { fakeUpscaler } from '../support/fake-upscaler.js';
import { errorOf, failure, type RunOptions } from '../support/upscale.js';

describe('options of the library', () => {
  it.each<[string, object]>([
    ['batch', { batch: 0 }],
    ['frames', { frames: -1 }],
    ['frames', { frames: 0 }],
    ['start', { start: Number.NaN }],
    ['start', { start: -1 }],
    ['output', { output: undefined }],
    ['scale', { scale: 0 }],
    ['scale', { scale: 1.5 }],
    ['width', { width: 8 }],
    ['height', { height: 100.5 }],
    ['device', { device: 'foo' }],
    ['codec', { codec: 'h266' }],
    ['format', { output: '-', format: 'webm' }],
    ['threads', { threads: 1e9 }],
    ['end', { start: 2, end: 1 }],
  ])('%s out of range is said before anything is done: %j', async (name, options) => {
    const given = { input: 'none.mp4', output: 'out.mp4', ...options } as RunOptions;
    const error = await failure(given);
    expect(error.code).toBe('TSR_USAGE');
    expect(error.message).toContain(name);
  });

  it.each([-1, 1.5, Number.NaN])('there is no frame %s to preview', async (frame) => {
    const error = await errorOf(previewFrame({ input: 'none.mp4', output: 'out.png', frame }));
    expect([error.code, error.message]).toEqual(['TSR_USAGE', expect.stringContaining('frame')]);
  });

  it('a signal that is none is said like other options', async () => {
    const given = { input: 'none.mp4', output: 'out.mp4', signal: 1 } as unknown as RunOptions;
    const error = await failure(given);
    expect([error.code, error.message]).toEqual(['TSR_USAGE', expect.stringContaining('signal')]);
  });
});

/** What JavaScript may give where an object is meant. */
const NO_OBJECTS: readonly [unknown][] = [[undefined], [null], [5], ['in.mp4'], [[]]];

describe('a call that is given nothing, or no object,', () => {
  it.each(NO_OBJECTS)(
    'such as upscaleVideo(%j), throws nothing: the error comes out of the Observable',
    async (given) => {
      const events = upscaleVideo(given as never);
      const error = await errorOf(lastValueFrom(events));
      expect([error.code, error.hint]).toEqual(['TSR_USAGE', expect.stringContaining('upscaleVideo({ input:')]);
    },
  );

  it.each(NO_OBJECTS)('such as previewFrame or createUpscaler(%j), rejects with what to give', async (given) => {
    const preview = await errorOf(previewFrame(given as never));
    expect([preview.code, preview.hint]).toEqual(['TSR_USAGE', expect.stringContaining('previewFrame({')]);
    const upscaler = await errorOf(createUpscaler(given as never));
    expect([upscaler.code, upscaler.hint]).toEqual(['TSR_USAGE', expect.stringContaining('createUpscaler({')]);
    expect(await errorOf(probeDevice(given as never, 'cpu'))).toMatchObject({ code: 'TSR_USAGE' });
    // A relay has defaults for all.
    if (given === undefined) return;
    const relay = await errorOf(createRelay(given as never));
    expect([relay.code, relay.hint]).toEqual(['TSR_RELAY_CONFIG', expect.stringContaining('docs/relay.md')]);
  });

  it.each([...NO_OBJECTS, [Promise.resolve()]])(
    'such as upscaleFrames or upscaleBatches(%j), says so when it is asked',
    async (given) => {
      const frames = from([] as FrameBatch[]).pipe(upscaleFrames(given as never));
      const error = await errorOf(lastValueFrom(frames));
      expect([error.code, error.hint]).toEqual(['TSR_USAGE', expect.stringContaining('await createUpscaler')]);
      expect(await errorOf(upscaleBatches(given as never, []).next())).toMatchObject({ code: 'TSR_USAGE' });
    },
  );

  it.each(NO_OBJECTS)('such as batches, a batch or options that are %j, is told what was meant', async (given) => {
    const upscaler = fakeUpscaler();
    if (typeof given !== 'object' || given === null) {
      const batches = await errorOf(upscaleBatches(upscaler, given as BatchSource).next());
      expect(batches.code).toBe('TSR_USAGE');
    }
    const pulled = await errorOf(upscaleBatches(upscaler, [given as FrameBatch]).next());
    expect([pulled.code, pulled.message]).toEqual(['TSR_USAGE', expect.stringContaining('batch')]);
    const pushed = await errorOf(lastValueFrom(from([given as FrameBatch]).pipe(upscaleFrames(upscaler))));
    expect(pushed.code).toBe('TSR_USAGE');
    if (given === undefined) return;
    expect(await errorOf(upscaleBatches(upscaler, [], given as never).next())).toMatchObject({ code: 'TSR_USAGE' });
  });
});

describe('paths and names that are none', () => {
  it.each<[unknown, RegExp]>([
    [undefined, /undefined/],
    ['', /empty/],
    [5, /type number/],
    [new URL('file:///in.mp4'), /fileURLToPath/],
    [Promise.resolve('in.mp4'), /await it/],
  ])('are refused with what to give: %o', async (given, message) => {
    const probed = await errorOf(probe(given as string));
    expect([probed.code, probed.hint]).toEqual(['TSR_USAGE', expect.stringContaining("probe('in.mp4')")]);
    const resolved = await errorOf(resolveModel(given as string));
    expect([resolved.code, resolved.hint]).toEqual([
      'TSR_USAGE',
      expect.stringContaining("resolveModel('tinysr-nano')"),
    ]);
    for (const error of [probed, resolved]) expect(error.message).toMatch(message);
  });
});

/** Calls a function as JavaScript lets `map` do: with an index and the array behind the element. */
const mapped = <T, R>(values: readonly T[], call: (value: T) => R): R[] =>
  values.map(call as (value: T, index: number) => R);

describe('functions that are handed to map', () => {
  it.each([
    ['probe', () => mapped(['in.mp4'], probe), 'paths.map((path) => probe(path))'],
    ['resolveModel', () => mapped(['tinysr-nano'], resolveModel), 'names.map((name) => resolveModel(name))'],
  ])('say what they take for a signal: %s', async (_name, call, hint) => {
    const [work] = call();
    const error = await errorOf(Promise.resolve(work));
    expect([error.code, error.message, error.hint]).toEqual([
      'TSR_USAGE',
      expect.stringContaining('expected an AbortSignal'),
      expect.stringContaining(hint),
    ]);
  });

  it('work, where they take one argument: createUpscaler', async () => {
    const model = await resolveModel('tinysr-nano');
    const size = { device: 'cpu', format: 'rgb24', width: 32, height: 16, threads: 1 } as const;
    const options: readonly UpscalerOptions[] = [
      { model, ...size },
      { model, ...size },
    ];
    const upscalers = await Promise.all(mapped(options, createUpscaler));
    expect(upscalers.map(({ output }) => output.width)).toEqual([128, 128]);
    await Promise.all(upscalers.map((upscaler) => upscaler.close()));
  });
});
