/**
 * Finds what this checkout needs and does not have, and installs it: `node scripts/setup.mjs [--for demo|test|relay]
 * [--cuda]`. Needs no module but Node's own. What cannot be installed is said in one line each, with what to run.
 */
import { parseArgs } from 'node:util';
import { ROOT } from './lib/paths.mjs';
import { hasCuda, setUpCuda } from './setup/cuda.mjs';
import { setUpFfmpeg } from './setup/ffmpeg.mjs';
import { setUpNode } from './setup/node.mjs';
import { setUpNpmModules } from './setup/npm-modules.mjs';
import { SetupError } from './setup/step.mjs';

/** Steps in order, by what they are for. The relay's are loaded for it and for the tests: the demo never waits for them. */
const BASE = [
  ['node', setUpNode],
  ['npm modules', setUpNpmModules],
  ['ffmpeg', setUpFfmpeg],
];
const RELAY = [
  ...BASE,
  ['mediasoup worker', async (options) => (await import('./setup/relay.mjs')).setUpWorker(options)],
  ['chromium', async (options) => (await import('./setup/chromium.mjs')).setUpChromium(options)],
];
const TEST = [
  ...RELAY,
  ['Vulkan', async (options) => (await import('./setup/vulkan.mjs')).setUpVulkan(options)],
  ['GStreamer', async (options) => (await import('./setup/gstreamer.mjs')).setUpGstreamer(options)],
];
const STEPS = { demo: BASE, test: TEST, relay: RELAY };

async function main() {
  const { values } = parseArgs({
    options: { for: { type: 'string', default: 'test' }, cuda: { type: 'boolean', default: false } },
  });
  const base = STEPS[values.for];
  if (!base) throw new SetupError(`--for takes ${Object.keys(STEPS).join(', ')}, not "${values.for}"`);
  const log = (line) => console.log(`setup: ${line}`);
  const options = { root: ROOT, log };

  const hadCuda = hasCuda(ROOT);
  const failures = await runSteps(base, options);
  if (values.cuda) failures.push(...(await runSteps([['CUDA', setUpCuda]], options)));
  // `npm ci` empties node_modules, and CUDA's provider with it.
  else if (hadCuda && !hasCuda(ROOT)) log('npm ci removed the CUDA provider; to get it again: npm run setup -- --cuda');
  for (const message of failures) console.error(`setup: ${message}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

/** Runs all steps, so that one run names all that is missing; only a wrong Node.js ends it. */
async function runSteps(steps, options) {
  const done = [];
  const failures = [];
  for (const [name, step] of steps) {
    try {
      done.push(`${name} ${await step(options)}`);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      failures.push(error.message);
      if (step === setUpNode) break;
    }
  }
  if (done.length > 0) options.log(done.join(', '));
  return failures;
}

main().catch((error) => {
  const expected = error instanceof SetupError || error.code?.startsWith('ERR_PARSE_ARGS');
  console.error(`setup: ${expected ? error.message : error.stack}`);
  process.exitCode = 1;
});
