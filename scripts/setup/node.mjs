import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './step.mjs';

/**
 * Checks that this Node.js is one the package supports. It cannot be replaced from within, so an old one is an error.
 *
 * @param {{ root: string, version?: string }} options
 * @returns {string} what there is
 */
export function setUpNode({ root, version = process.versions.node }) {
  const range = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node;
  const oldest = range.replace('>=', '');
  if (compare(version, oldest) < 0) {
    throw new SetupError(`Node.js ${version} is too old; install ${oldest} or newer: https://nodejs.org/en/download`);
  }
  return `${version}`;
}

function compare(a, b) {
  const [x, y] = [a, b].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
