/** Makes the README's picture, docs/before-after.webp: a part of the example clip, bicubic and upscaled by the built command. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './lib/paths.mjs';

const FRAME = 60;
const PART = 'crop=640:560:560:170';
const clip = join(ROOT, 'examples', 'clip.mp4');
const folder = mkdtempSync(join(tmpdir(), 'picture-'));
const after = join(folder, 'after.png');
const command = join(ROOT, 'dist', 'cli', 'main.js');
execFileSync(process.execPath, [command, clip, after, '--preview', String(FRAME), '--quiet'], { stdio: 'inherit' });
const graph =
  `[0:v]select=eq(n\\,${FRAME}),scale=1920:1080:flags=bicubic+accurate_rnd+full_chroma_int,format=gbrp,${PART}[before];` +
  `[1:v]format=gbrp,${PART}[after];[before][after]hstack`;
const webp = ['-frames:v', '1', '-c:v', 'libwebp', '-quality', '88', join(ROOT, 'docs', 'before-after.webp')];
execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', clip, '-i', after, '-filter_complex', graph, ...webp], {
  stdio: 'inherit',
});
rmSync(folder, { recursive: true });
