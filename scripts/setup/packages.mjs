import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from '../lib/run.mjs';
import { reason, SetupError } from './step.mjs';

const INSTALL_TIMEOUT_MS = 20 * 60_000;
const APT_WAIT = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];

/**
 * Package managers in the order they are looked for. `refresh` runs before the first installation and may fail;
 * `asRoot` managers run by `sudo -n` for other users.
 */
const MANAGERS = [
  {
    name: 'apt-get',
    asRoot: true,
    refresh: ['-q', ...APT_WAIT, 'update'],
    install: ['-q', ...APT_WAIT, 'install', '-y', '--no-install-recommends'],
    byHand: 'sudo apt-get update && sudo apt-get install -y --no-install-recommends',
  },
  { name: 'dnf', asRoot: true, install: ['install', '-y'], byHand: 'sudo dnf install -y' },
  // A package list is never refreshed alone (`-Sy`): on Arch that leaves the system half upgraded.
  {
    name: 'pacman',
    asRoot: true,
    install: ['-S', '--needed', '--noconfirm'],
    byHand: 'sudo pacman -Syu --needed',
  },
  { name: 'brew', asRoot: false, install: ['install'], byHand: 'brew install' },
];

/**
 * Where a program of this name lies on PATH.
 *
 * @param {string} name
 * @returns {string | undefined}
 */
export function onPath(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, process.platform === 'win32' ? `${name}.exe` : name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * Installs a package by the system's package manager.
 *
 * @param {{ problem: string, names: Record<string, string[][]>, otherwise: string, log: (line: string) => void }} options
 *   `problem`: what is wrong without it; `names`: for each manager the package lists to try, the first that installs
 *   wins; `otherwise`: what to do by hand where no manager is known
 * @throws {SetupError} when it cannot be installed
 */
export async function installPackages({ problem, names, otherwise, log }) {
  const manager = MANAGERS.find(({ name }) => names[name] && onPath(name));
  if (!manager) throw new SetupError(`${problem}; ${otherwise}`);
  const wanted = names[manager.name];
  const byHand = `${manager.byHand} ${wanted[0].join(' ')}`;
  const prefix = await rootPrefix(manager);
  if (!prefix) throw new SetupError(`${problem}, and installing it needs root; run: ${byHand}`);

  log(`${problem}; installing ${wanted[0].at(-1)} with ${manager.name} (a minute or two)`);
  const call = ([program, ...args]) => run(program, args, { timeoutMs: INSTALL_TIMEOUT_MS });
  // A refresh that fails is no reason to stop: the lists at hand may do.
  if (manager.refresh) await call([...prefix, manager.name, ...manager.refresh]).catch(() => {});
  let failure;
  for (const list of wanted) {
    try {
      await call([...prefix, manager.name, ...manager.install, ...list]);
      return;
    } catch (error) {
      failure ??= error;
    }
  }
  throw new SetupError(`${problem}, and ${manager.name} cannot install it (${reason(failure)}); run: ${byHand}`);
}

/** What goes before the manager's command, or nothing when its rights cannot be had without a question. */
async function rootPrefix({ name, asRoot }) {
  if (!asRoot) return [];
  const environment = name === 'apt-get' ? ['env', 'DEBIAN_FRONTEND=noninteractive'] : [];
  if (process.getuid?.() === 0) return environment;
  const allowed = await run('sudo', ['-n', 'true'], { timeoutMs: 10_000 }).then(
    () => true,
    () => false,
  );
  return allowed ? ['sudo', '-n', ...environment] : undefined;
}
