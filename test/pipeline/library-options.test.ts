import { describe, expect, it } from 'vitest';
import { previewFrame } from '#src/index.js';
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
});
