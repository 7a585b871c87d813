/** Upscales frames made here, without any file: node examples/upscale-frames.mjs */
import { createUpscaler, resolveModel, upscaleBatches } from 'tinysr-video';

const [width, height] = [64, 48];
const model = await resolveModel('tinysr-nano');
const upscaler = await createUpscaler({ model, device: 'cpu', format: 'rgb24', width, height });

/** Frames whose brightness rises with their number. Each is made only when it is asked for. */
function* frames() {
  for (let number = 0; number < 5; number += 1) {
    const pixels = new Uint8Array(upscaler.input.bytes).fill(number * 20);
    yield { buffer: pixels.buffer, count: 1, ptsNs: [BigInt(number) * 40_000_000n], first: number };
  }
}

try {
  for await (const { source, output } of upscaleBatches(upscaler, frames())) {
    const { width: w, height: h } = upscaler.output;
    console.log(`frame ${source.first}: ${w}x${h}, first pixel ${new Uint8Array(output)[0]}`);
  }
} finally {
  await upscaler.close();
}
