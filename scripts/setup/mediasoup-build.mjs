import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const standIns = join(dirname(fileURLToPath(import.meta.url)), 'mediasoup-worker');

/** Debian packages that hold the compiler, Meson, and the libraries the worker links against. */
const DEBIAN_PACKAGES = [
  'build-essential',
  'dpkg-dev',
  'pkg-config',
  'meson',
  'ninja-build',
  'libuv1-dev',
  'libssl-dev',
  'libabsl-dev',
  'libflatbuffers-dev',
  'flatbuffers-compiler',
];

/**
 * Compiles the worker from the C++ source in mediasoup's npm package, with nothing from outside Debian's archive.
 *
 * @param {string} pkg node_modules/mediasoup
 * @param {(line: string) => void} log where progress lines go
 * @returns {Promise<{ binary: string, clean: () => Promise<void> }>} the stripped binary in a temporary folder
 */
export async function compileWorker(pkg, log) {
  await installDebianPackages(log);
  const folder = await mkdtemp(join(tmpdir(), 'mediasoup-build-'));
  const clean = () => rm(folder, { recursive: true, force: true });
  try {
    const source = join(folder, 'worker');
    await cp(join(pkg, 'worker'), source, { recursive: true });
    await replaceSubprojects(source, folder);
    await patchSource(source);
    return { binary: await build(source, join(folder, 'out'), log), clean };
  } catch (error) {
    await clean();
    throw error;
  }
}

async function installDebianPackages(log) {
  const present = await sh('dpkg', ['-s', ...DEBIAN_PACKAGES]).then(
    () => true,
    () => false,
  );
  if (present) return;
  log(`mediasoup: installing ${DEBIAN_PACKAGES.join(' ')}`);
  const root = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const apt = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=300'];
  const [command, ...args] = apt;
  await sh(command, [...args, 'update']);
  await sh(command, [...args, 'install', '-y', '--no-install-recommends', ...DEBIAN_PACKAGES]);
}

/** Puts the stand-ins and Debian's libsrtp2 source where Meson would download its subprojects. */
async function replaceSubprojects(source, folder) {
  const subprojects = join(source, 'subprojects');
  await rm(subprojects, { recursive: true, force: true });
  await rm(join(source, 'out'), { recursive: true, force: true });
  await cp(standIns, subprojects, { recursive: true });
  for (const name of ['libuv', 'openssl', 'flatbuffers', 'abseil-cpp']) {
    await writeFile(join(subprojects, name, 'empty.c'), 'int standin_unused;\n');
  }
  await rename(await fetchLibsrtp(folder), join(subprojects, 'libsrtp2'));
  await symlink('../../libsrtp2/include', join(subprojects, 'libsrtp3', 'include', 'srtp2'));
}

/**
 * Debian's libsrtp2 source, by an apt state of our own so that the system's sources stay as they are. The packaged
 * library is built with NSS, which takes six times as long a packet as OpenSSL.
 */
async function fetchLibsrtp(folder) {
  const apt = join(folder, 'apt');
  await mkdir(join(apt, 'lists', 'partial'), { recursive: true });
  await mkdir(join(apt, 'cache', 'archives', 'partial'), { recursive: true });
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
  await writeFile(join(apt, 'list'), `deb-src [signed-by=${key}] ${await debianMirror()} ${codename} main\n`);
  const options = {
    'Dir::Etc::SourceList': join(apt, 'list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'),
    'APT::Sandbox::User': 'root',
  };
  const args = ['-q', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
  await sh('apt-get', [...args, 'update'], apt);
  await sh('apt-get', [...args, 'source', 'libsrtp2'], apt);
  const unpacked = (await readdir(apt, { withFileTypes: true })).find((e) => e.isDirectory() && /srtp/.test(e.name));
  if (!unpacked) throw new Error('mediasoup: apt-get source libsrtp2 unpacked nothing');
  return join(apt, unpacked.name);
}

/** The archive this machine already uses. */
async function debianMirror() {
  for (const file of ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list']) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const found = /^(?:URIs:|deb(?:\s+\[[^\]]*\])?)\s+(\S+\/debian\/?)(?:\s|$)/m.exec(text);
    if (found?.[1]) return found[1];
  }
  return 'http://deb.debian.org/debian';
}

async function patchSource(source) {
  // Callbacks that run after a BIO call must hand back its result. Answering 1 makes an OpenSSL built with KTLS
  // (Debian's) take the memory BIO for a kernel one, and the first DTLS handshake crashes.
  await replaceIn(
    join(source, 'src', 'RTC', 'DtlsTransport.cpp'),
    '(operationType == BIO_CB_RETURN) ?',
    '((operationType & BIO_CB_RETURN) != 0) ?',
  );
  // Debian 12 has Meson 1.0, which builds it as well.
  await replaceIn(join(source, 'meson.build'), "meson_version: '>= 1.1.0'", "meson_version: '>= 1.0.0'");
}

async function replaceIn(file, from, to) {
  const text = await readFile(file, 'utf8');
  if (!text.includes(from)) throw new Error(`mediasoup: ${file} no longer has "${from}"`);
  await writeFile(file, text.replace(from, to));
}

async function build(source, out, log) {
  const started = Date.now();
  await sh(
    '/usr/bin/meson',
    [
      'setup',
      '--buildtype',
      'release',
      '-Db_ndebug=true',
      '-Dcpp_link_args=-static-libstdc++ -static-libgcc',
      out,
      '.',
    ],
    source,
  );
  const jobs = process.env.MEDIASOUP_BUILD_JOBS ?? '2';
  await sh('nice', ['ninja', '-C', out, '-j', jobs, 'mediasoup-worker'], source);
  const binary = join(out, 'mediasoup-worker');
  await sh('strip', [binary]);
  log(`mediasoup: compiled in ${Math.round((Date.now() - started) / 1000)} s`);
  return binary;
}

/** Runs a command to its end; its last lines are the error when it fails. */
function sh(command, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let tail = '';
    const keep = (chunk) => {
      tail = (tail + chunk).slice(-4000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args[0]} ended with ${code}:\n${tail}`));
    });
  });
}
