import type { Upscaler } from '#src/infer/types.js';
import { frameLayout } from '#src/shared/layout.js';

/** An upscaler of 4x4 frames that counts those it runs and gives back what came; two calls should be under way. */
export function fakeUpscaler(): Upscaler & { frames: number } {
  const layout = frameLayout('rgb24', 4, 4);
  const close = () => Promise.resolve();
  return {
    ...{
      model: { name: 'none', scale: 2, multiple: 1, variants: [] },
      provider: 'cpu',
      precision: 'fp32',
      input: layout,
      output: layout,
    },
    ...{ batch: 4, sessions: 1, concurrency: 2, tile: undefined, frames: 0, close, [Symbol.asyncDispose]: close },
    async upscale(frames, count) {
      this.frames += count;
      await new Promise((resolve) => setTimeout(resolve, 2));
      return { output: frames.slice(0), input: frames, runMs: 1 };
    },
  };
}
