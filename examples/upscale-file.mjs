/** Upscales a video and prints how it goes: node examples/upscale-file.mjs in.mp4 out.mp4 */
import { upscaleVideo } from 'tinysr-video';

const [input = 'examples/clip.mp4', output = 'out/example.mp4'] = process.argv.slice(2);

upscaleVideo({ input, output, overwrite: true, frames: 30 }).subscribe({
  next(event) {
    if (event.type === 'progress') console.log(`${event.frames} frames, ${event.fps.toFixed(1)} fps`);
    if (event.type === 'done') console.log(`wrote ${event.output}`);
  },
  error(error) {
    console.error(`${error.code}: ${error.message}. ${error.hint ?? ''}`);
    process.exitCode = error.exitCode;
  },
});
