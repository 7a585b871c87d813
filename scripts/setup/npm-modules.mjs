import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../lib/run.mjs';
import { reason, SetupError } from './step.mjs';

const NETWORK =
  /ECONNRESET|ECONNREFUSED|ETIMEDOUT|EIDLETIMEOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH|EHOSTUNREACH|EAI_AGAIN|ENOTFOUND|\bE(429|50[0-9])\b/;

/**
 * Makes sure that node_modules holds what package-lock.json says, by `npm ci`.
 *
 * @param {{ root: string, log: (line: string) => void }} options
 * @returns {Promise<string>} what there is
 */
export async function setUpNpmModules({ root, log }) {
  const difference = findDifference(root);
  if (!difference) return 'as in package-lock.json';
  log(`npm modules: ${difference}; running npm ci`);
  try {
    await ci(root);
  } catch (error) {
    if (!NETWORK.test(error.output ?? '')) throw failed(error);
    log(`npm modules: ${reason(error)}; trying once more`);
    await sleep(3000);
    await ci(root).catch((again) => {
      throw failed(again);
    });
  }
  return 'installed';
}

/**
 * What keeps node_modules from being the tree of package-lock.json. npm keeps the tree it installed in
 * node_modules/.package-lock.json. Packages beyond the lock file (`npm install --no-save`, `npm link`) do not matter.
 *
 * @param {string} root
 * @returns {string | undefined} nothing when it is as it should be
 */
export function findDifference(root) {
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (!installed) return 'node_modules is missing';
  const wanted = readLock(join(root, 'package-lock.json'));
  if (!wanted) throw new SetupError('package-lock.json is missing or damaged; run: git checkout package-lock.json');
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.link) continue;
    const has = installed[path];
    if (!has) {
      // An optional package for any machine may belong to one that is not for this one.
      if (entry.optional && !(entry.os ?? entry.cpu)) continue;
      if (entry.optional && !isForHere(entry)) continue;
      return `${path} is missing`;
    }
    if (has.version !== entry.version || has.integrity !== entry.integrity) {
      return `${path} is ${has.version}, not ${entry.version}`;
    }
    if (!existsSync(join(root, path, 'package.json'))) return `${path} is missing`;
  }
  return undefined;
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Whether npm installs this package on this machine's system, processor and C library. */
function isForHere({ os, cpu, libc }) {
  return allows(os, process.platform) && allows(cpu, process.arch) && (!libc || allows(libc, cLibrary()));
}

function allows(list, value) {
  if (!list) return true;
  if (list.includes(`!${value}`)) return false;
  return list.includes(value) || list.every((item) => item.startsWith('!'));
}

function cLibrary() {
  if (process.platform !== 'linux') return 'none';
  return existsSync('/etc/alpine-release') || existsSync(`/lib/ld-musl-${muslName()}.so.1`) ? 'musl' : 'glibc';
}

function muslName() {
  return { x64: 'x86_64', arm64: 'aarch64' }[process.arch] ?? process.arch;
}

function ci(root) {
  // Development packages are wanted whatever NODE_ENV says; CUDA's provider comes by `setup --cuda` only.
  const args = [npmCli(), 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // mediasoup's own script would build its worker from sources out of reach; the relay's set-up sees to the worker. It
  // leaves the script be when told of a worker; npm 11 leaves it out anyway (`allowScripts`).
  const env = { ONNXRUNTIME_NODE_INSTALL: 'skip', MEDIASOUP_WORKER_BIN: 'see-scripts/setup/relay.mjs', ...process.env };
  return run(process.execPath, args, { cwd: root, env, timeoutMs: 20 * 60_000 });
}

/** npm's own script: the one that runs this, or the one that came with this Node.js. */
function npmCli() {
  const node = dirname(process.execPath);
  const candidates = [
    process.env.npm_execpath,
    join(node, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(node, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    '/usr/share/nodejs/npm/bin/npm-cli.js',
  ];
  const found = candidates.find((file) => file?.endsWith('npm-cli.js') && existsSync(file));
  if (!found) throw new SetupError('npm is not beside this Node.js; run: npm ci');
  return found;
}

function failed(error) {
  if (/EUSAGE/.test(error.output ?? '')) {
    return new SetupError('package.json and package-lock.json differ; run: npm install');
  }
  return new SetupError(`npm ci failed (${reason(error)}); run it again when the npm registry is in reach: npm ci`);
}
