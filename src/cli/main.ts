#!/usr/bin/env node
import { TinySRError } from '../shared/errors.js';
import { nodeIsRecentEnough } from '../shared/node-version.js';

// The rest is loaded after this check: what it imports may not even parse on an older Node.js.
if (nodeIsRecentEnough(process.versions.node)) {
  const { run } = await import('./run.js');
  await run();
} else {
  const { code, message, hint, exitCode } = new TinySRError('TSR_NODE_TOO_OLD', `Node.js is ${process.version}`, {
    hint: 'Install Node.js 20.19 or newer.',
  });
  process.stderr.write(`tinysr-video: ${code}: ${message}. ${hint}\n`);
  process.exitCode = exitCode;
}
