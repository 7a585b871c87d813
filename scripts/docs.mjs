/**
 * Renders the generated parts of README.md and docs/*.md, which lie between `<!-- generated:NAME -->` and
 * `<!-- /generated -->`: `node scripts/docs.mjs [--check]`. With --check nothing is written, and a file that is not up
 * to date is an error. Reads the built modules in dist/.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATORS } from './docs/generators.mjs';
import { commandOf, ROOT } from './lib/paths.mjs';

const PART = /(<!-- generated:([\w-]+) -->\n)([\s\S]*?)(<!-- (?:\/generated|generated:[\w-]+) -->|$)/g;
const END = '<!-- /generated -->';

const check = process.argv.includes('--check');
const rendered = new Map();
let failed = false;
for (const file of documents()) {
  const before = readFileSync(join(ROOT, file), 'utf8');
  try {
    const after = await render(before, file);
    if (after === before) continue;
    if (check) fail(`${file} is not up to date; run: npm run docs`);
    else {
      writeFileSync(join(ROOT, file), after);
      console.log(`docs: ${file} written`);
    }
  } catch (error) {
    fail(`${file}: ${error.message}`);
  }
}
process.exitCode = failed ? 1 : 0;

function fail(message) {
  console.error(`docs: ${message}`);
  failed = true;
}

/** README.md and the Markdown files of docs/ that are there. */
function documents() {
  const folder = join(ROOT, 'docs');
  const inDocs = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.md')) : [];
  return ['README.md', ...inDocs.sort().map((name) => join('docs', name))].filter((file) =>
    existsSync(join(ROOT, file)),
  );
}

/** The text with its generated parts rendered anew, laid out as the formatter wants it. */
async function render(text, file) {
  if (text.search(PART) < 0) return text;
  for (const [, , name, , end] of text.matchAll(PART)) {
    if (end !== END) throw new Error(`"generated:${name}" has no "${END}"`);
    const generate = GENERATORS[name];
    if (!generate) throw new Error(`"generated:${name}" is none of ${Object.keys(GENERATORS).join(', ')}`);
    if (!rendered.has(name)) rendered.set(name, await generate(ROOT));
  }
  const input = text.replace(PART, (_part, start, name) => `${start}\n${rendered.get(name)}\n\n${END}`);
  const args = [commandOf('@biomejs/biome', 'biome'), 'format', `--stdin-file-path=${file}`];
  return execFileSync(process.execPath, args, {
    cwd: ROOT,
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}
