/**
 * Compiles src/ to dist/ and removes from dist/ what no longer has a source, so that nothing old is packed or run.
 * dist/ is never emptied: tests that use it may run at the same time.
 */
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf, ROOT } from './lib/paths.mjs';
import { show } from './lib/run.mjs';

const status = await show(process.execPath, [commandOf('typescript', 'tsc'), '-p', 'tsconfig.build.json'], {
  cwd: ROOT,
});
if (status !== 0) process.exit(status);

for (const entry of readdirSync(join(ROOT, 'dist'), { recursive: true })) {
  const source = /^(.*?)(\.d\.ts|\.js)(\.map)?$/.exec(entry)?.[1];
  if (source && !existsSync(join(ROOT, 'src', `${source}.ts`))) rmSync(join(ROOT, 'dist', entry));
}
const command = join(ROOT, 'dist', 'cli', 'main.js');
if (existsSync(command)) chmodSync(command, 0o755);
