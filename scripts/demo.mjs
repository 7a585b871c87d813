/** Upscales examples/clip.mp4 by the built command: out/demo.mp4 and, as a picture, out/demo.png (before | after). */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from './lib/paths.mjs';
import { show } from './lib/run.mjs';

const FRAME = 40;
const command = join(ROOT, 'dist', 'cli', 'main.js');
const clip = join('examples', 'clip.mp4');
const video = join('out', 'demo.mp4');
const picture = join('out', 'demo.png');

if (!existsSync(command)) {
  console.error(`demo: ${relative(ROOT, command)} is not built; run: npm run build`);
  process.exit(1);
}
mkdirSync(join(ROOT, 'out'), { recursive: true });
await upscale([clip, video, '--overwrite']);
await upscale([clip, picture, '--overwrite', '--compare', '--preview', String(FRAME)]);

console.log(`
demo: upscaled video           ${video} (${megabytes(video)} MB)
demo: before | after picture   ${picture}
demo: for your own video       npx tinysr-video in.mp4 out.mp4`);

async function upscale(args) {
  console.log(`demo: tinysr-video ${args.join(' ')}`);
  const status = await show(process.execPath, [command, ...args], { cwd: ROOT });
  if (status !== 0) process.exit(status);
}

function megabytes(file) {
  return (statSync(join(ROOT, file)).size / 1e6).toFixed(1);
}
