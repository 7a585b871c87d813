/**
 * Compiles src/ to dist/ and removes from dist/ what no longer has a source, so that nothing old is packed or run.
 * dist/ is never emptied: tests that use it may run at the same time.
 */
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf, ROOT } from './lib/paths.mjs';
import { buildPage } from './lib/relay-page.mjs';
import { show } from './lib/run.mjs';

for (const project of ['tsconfig.build.json', join('src', 'stream', 'page', 'tsconfig.json')]) {
  const status = await show(process.execPath, [commandOf('typescript', 'tsc'), '-p', project], { cwd: ROOT });
  if (status !== 0) process.exit(status);
}
await buildPage();

for (const entry of readdirSync(join(ROOT, 'dist'), { recursive: true })) {
  const source = /^(.*?)(\.d\.ts|\.js)(\.map)?$/.exec(entry)?.[1];
  if (source && !existsSync(join(ROOT, 'src', `${source}.ts`))) rmSync(join(ROOT, 'dist', entry));
}
const command = join(ROOT, 'dist', 'cli', 'main.js');
if (existsSync(command)) chmodSync(command, 0o755);
