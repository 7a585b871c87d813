import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * The script behind a command of an installed package, to be run by `process.execPath` so that no shell is needed.
 *
 * @param {string} pkg package name
 * @param {string} [command] its command; the package's name when absent
 * @returns {string} path of a JavaScript file
 */
export function commandOf(pkg, command = pkg) {
  const folder = join(ROOT, 'node_modules', pkg);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}
