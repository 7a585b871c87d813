import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './paths.mjs';

/** Bundles the script of the relay's page into dist/ and copies what goes with it. */
export async function buildPage() {
  const from = join(ROOT, 'src', 'stream', 'page');
  const to = join(ROOT, 'dist', 'stream', 'page');
  mkdirSync(to, { recursive: true });
  await build({
    entryPoints: [join(from, 'client.ts')],
    outfile: join(to, 'client.js'),
    bundle: true,
    format: 'iife',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  for (const name of ['index.html', 'style.css', 'icon.svg']) copyFileSync(join(from, name), join(to, name));
}
