/**
 * Long runs of the relay: `npm run test:soak -- [--minutes N] [arguments for vitest]`. Prints tables, writes
 * out/soak-*.json, and fails when something grows, stands still or does not come back.
 */
import { join } from 'node:path';
import { commandOf, ROOT } from './lib/paths.mjs';
import { show } from './lib/run.mjs';

const args = process.argv.slice(2);
const at = args.indexOf('--minutes');
const [, minutes] = at < 0 ? [] : args.splice(at, 2);
if (at >= 0 && !(Number(minutes) > 0)) {
  console.error('--minutes needs a number, for example --minutes 2');
  process.exit(2);
}
if (minutes) process.env.TINYSR_SOAK_MINUTES = minutes;

const built = await show(process.execPath, [join('scripts', 'build.mjs')], { cwd: ROOT });
if (built !== 0) process.exit(built);
const config = join('test', 'soak', 'vitest.config.ts');
process.exit(
  await show(process.execPath, [commandOf('vitest'), 'run', '--config', config, '--root', '.', ...args], { cwd: ROOT }),
);
