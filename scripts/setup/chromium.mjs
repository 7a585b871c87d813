import { installPackages, onPath } from './packages.mjs';
import { SetupError } from './step.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const MAC = '/Applications/Chromium.app/Contents/MacOS/Chromium';

/**
 * The browser that the tests of the relay drive: `TINYSR_CHROMIUM`, or a Chromium or Chrome on PATH.
 *
 * @returns {string | undefined} its path
 */
export function findChromium() {
  return process.env.TINYSR_CHROMIUM || [...NAMES.map(onPath), onPath(MAC)].find(Boolean);
}

/**
 * Makes sure that there is a Chromium.
 *
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<string>} its path
 */
export async function setUpChromium({ log }) {
  const before = findChromium();
  if (before) return before;
  await installPackages({
    problem: 'Chromium is missing',
    names: {
      'apt-get': [['chromium'], ['chromium-browser']],
      dnf: [['chromium']],
      pacman: [['chromium']],
      brew: [['--cask', 'chromium']],
    },
    otherwise: 'install Chromium or Chrome and set TINYSR_CHROMIUM to its path',
    log,
  });
  const after = findChromium();
  if (!after) throw new SetupError('Chromium was installed but is not on PATH; set TINYSR_CHROMIUM to its path');
  return after;
}
