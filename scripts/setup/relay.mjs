import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setUpMediasoup } from './mediasoup.mjs';
import { SetupError } from './step.mjs';

/**
 * Makes sure that mediasoup has a worker that runs.
 *
 * @param {{ root: string, log: (line: string) => void }} options
 * @returns {Promise<string>} where it came from
 */
export async function setUpWorker({ root, log }) {
  if (!existsSync(join(root, 'node_modules', 'mediasoup', 'package.json'))) {
    throw new SetupError('mediasoup is not installed; run: npm install --no-save mediasoup');
  }
  try {
    return await setUpMediasoup({ root, log });
  } catch (error) {
    throw new SetupError(
      `the mediasoup worker could not be set up (${error.message.split('\n')[0]}); see docs/relay.md`,
    );
  }
}
