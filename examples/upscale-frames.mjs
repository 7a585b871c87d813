/** Upscales frames made here, without any file: node examples/upscale-frames.mjs */
import { range } from 'rxjs';
import { concatMap, map } from 'rxjs/operators';
import { createUpscaler, resolveModel, upscaleFrames } from 'tinysr-video';

const [width, height] = [64, 48];
const model = await resolveModel('tinysr-nano');
const upscaler = await createUpscaler({ model, device: 'cpu', format: 'rgb24', width, height });

/** A frame whose brightness rises with its number. */
function frame(number) {
  const pixels = new Uint8Array(upscaler.input.bytes).fill(number * 20);
  return { buffer: pixels.buffer, count: 1, ptsNs: [BigInt(number) * 40_000_000n], first: number };
}

range(0, 5)
  .pipe(
    map(frame),
    upscaleFrames(upscaler),
    concatMap(async ({ source, output }) => {
      const { width: w, height: h } = upscaler.output;
      console.log(`frame ${source.first}: ${w}x${h}, first pixel ${new Uint8Array(output)[0]}`);
    }),
  )
  .subscribe({
    complete: () => upscaler.close(),
    error(error) {
      console.error(error);
      process.exitCode = 1;
      return upscaler.close();
    },
  });
