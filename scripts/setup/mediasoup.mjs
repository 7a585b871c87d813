import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileWorker } from './mediasoup-build.mjs';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));

/**
 * Makes sure that node_modules/mediasoup has a worker that runs: the one in place, a cached one, the prebuilt download,
 * or one compiled here from the npm package's own source against Debian's packages, in this order.
 *
 * @param {{ root?: string, log?: (line: string) => void }} [options] repository root; where progress lines go
 * @returns {Promise<string>} where the worker came from, for people
 */
export async function setUpMediasoup({ root = join(here, '..', '..'), log = console.log } = {}) {
  if (process.env.MEDIASOUP_WORKER_BIN) return 'MEDIASOUP_WORKER_BIN names one';
  const pkg = join(root, 'node_modules', 'mediasoup');
  const { version } = JSON.parse(await readFile(join(pkg, 'package.json'), 'utf8'));
  const inPlace = join(pkg, 'worker', 'out', 'Release', 'mediasoup-worker');
  if (await workerRuns(inPlace)) return 'already there';

  const cached = join(await cacheFolder(version), 'mediasoup-worker');
  if (await workerRuns(cached)) {
    await place(cached, inPlace);
    return 'from the cache';
  }
  if (!process.env.MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD && (await download(pkg, inPlace)))
    return 'prebuilt, downloaded';

  log(
    `mediasoup: no prebuilt worker can be downloaded; compiling ${version} from its npm package (4 to 12 minutes, once)`,
  );
  const compiled = await compileWorker(pkg, log);
  try {
    if (!(await workerRuns(compiled.binary))) throw new Error('mediasoup: the compiled worker does not run');
    await place(compiled.binary, cached);
  } finally {
    await compiled.clean();
  }
  await place(cached, inPlace);
  return `compiled, cached in ${dirname(cached)}`;
}

/** Whether the file is a mediasoup worker: without a parent to talk to, it ends with status 41. */
async function workerRuns(file) {
  try {
    await run(file, [], { env: {}, timeout: 10_000 });
    return false;
  } catch (error) {
    return error.code === 41;
  }
}

/** Puts a copy of the binary at `to` in one step, so that nobody ever starts half of it. */
async function place(from, to) {
  await mkdir(dirname(to), { recursive: true });
  const part = `${to}.${process.pid}`;
  await copyFile(from, part);
  await rename(part, to);
}

/** Cache folder of this version, machine and recipe, outside node_modules so that it outlives `npm ci`. */
async function cacheFolder(version) {
  const hash = createHash('sha256');
  const recipe = join(here, 'mediasoup-worker');
  const names = (await readdir(recipe, { recursive: true })).sort().map((name) => join(recipe, name));
  for (const file of [...names, join(here, 'mediasoup-build.mjs')]) {
    if ((await stat(file)).isFile()) hash.update(file.slice(here.length)).update(await readFile(file));
  }
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(base, 'tinysr-video', `mediasoup-${version}-${process.arch}-${hash.digest('hex').slice(0, 12)}`);
}

/** Lets mediasoup download its own prebuilt worker; a PYTHON that fails keeps it from starting its own source build. */
async function download(pkg, inPlace) {
  try {
    const env = { ...process.env, PYTHON: '/bin/false' };
    await run(process.execPath, ['npm-scripts.mjs', 'postinstall'], { cwd: pkg, env, timeout: 120_000 });
  } catch {
    return false;
  }
  return workerRuns(inPlace);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`mediasoup worker: ${await setUpMediasoup()}`);
}
