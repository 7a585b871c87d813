/**
 * Everything that has to hold before a change is kept, in order, ended by the first failure: `node scripts/check.mjs
 * [arguments for vitest]`.
 */
import { join } from 'node:path';
import { commandOf, ROOT } from './lib/paths.mjs';
import { show } from './lib/run.mjs';

const CHECKS = [
  ['lint', commandOf('@biomejs/biome', 'biome'), 'ci', '--error-on-warnings'],
  ['build', join('scripts', 'build.mjs')],
  ['typecheck', commandOf('typescript', 'tsc'), '-p', 'tsconfig.json'],
  ['docs', join('scripts', 'docs.mjs'), '--check'],
  ['tests', commandOf('vitest'), 'run', ...process.argv.slice(2)],
];

for (const [name, ...args] of CHECKS) {
  console.log(`check: ${name}`);
  const started = Date.now();
  const status = await show(process.execPath, args, { cwd: ROOT });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (status !== 0) {
    console.error(`check: ${name} failed (status ${status}, ${seconds} s)`);
    process.exit(status);
  }
  console.log(`check: ${name} passed in ${seconds} s`);
}
