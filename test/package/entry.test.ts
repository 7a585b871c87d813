import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it('docs/library.md names all that the library exports', async () => {
  const docs = readFileSync(new URL('../../docs/library.md', import.meta.url), 'utf8');
  const [, table = ''] = docs.split(/^\| Export .*\n/m);
  const names = Object.keys(await import('#src/index.js'));
  expect(names.filter((name) => !new RegExp(`^\\|.*\`${name}\\b`, 'm').test(table))).toEqual([]);
});

it('CommonJS can require it', async () => {
  const script = "console.log(typeof require('tinysr-video').upscaleVideo)";
  const { stdout } = await run(process.execPath, ['--input-type=commonjs', '-e', script], { cwd: ROOT });
  expect(stdout.trim()).toBe('function');
});
