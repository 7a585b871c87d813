/**
 * Runs the Python side of the project (training/) in its own virtual environment, made when it is missing and brought
 * up to date when training/requirements.txt changes: `node scripts/python.mjs check` runs its linter, formatter, type
 * checker and tests; `node scripts/python.mjs FILE.py [arguments]` runs a script of training/ with paths as seen from
 * the folder the command was given in.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './lib/paths.mjs';
import { run, show } from './lib/run.mjs';
import { reason, SetupError } from './setup/step.mjs';

const OLDEST = [3, 11];
const TRAINING = join(ROOT, 'training');
const VENV = join(TRAINING, '.venv');
const PYTHON = process.platform === 'win32' ? join(VENV, 'Scripts', 'python.exe') : join(VENV, 'bin', 'python');
const REQUIREMENTS = join(TRAINING, 'requirements.txt');
const STAMP = join(VENV, '.requirements.sha256');

const CHECKS = [
  ['-m', 'ruff', 'check', '.'],
  ['-m', 'ruff', 'format', '--check', '.'],
  ['-m', 'mypy'],
  ['-m', 'pytest'],
];

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`python: ${error instanceof SetupError ? error.message : error.stack}`);
  process.exitCode = 1;
}

async function main([what, ...args]) {
  if (what !== 'check' && !what?.endsWith('.py')) {
    throw new SetupError('run it with "check", or with the name of a script in training/ and its arguments');
  }
  await setUpVenv();
  if (what !== 'check') {
    return show(PYTHON, [join(TRAINING, what), ...args], { cwd: process.env.INIT_CWD ?? process.cwd() });
  }
  for (const check of CHECKS) {
    console.log(`python: ${check.slice(1).join(' ')}`);
    const status = await show(PYTHON, check, { cwd: TRAINING });
    if (status !== 0) return status;
  }
  return 0;
}

async function setUpVenv() {
  const wanted = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex');
  if (existsSync(PYTHON) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  if (!existsSync(PYTHON)) await createVenv();
  console.log('python: installing training/requirements.txt (PyTorch is large: this takes minutes)');
  const status = await show(PYTHON, ['-m', 'pip', 'install', '--quiet', '-r', REQUIREMENTS]);
  if (status !== 0) throw new SetupError(`pip failed; run: ${PYTHON} -m pip install -r ${REQUIREMENTS}`);
  writeFileSync(STAMP, wanted);
}

async function createVenv() {
  const python = await findPython();
  console.log(`python: making training/.venv with ${python}`);
  try {
    await run(python, ['-m', 'venv', '--clear', VENV]);
  } catch (error) {
    const hint = /ensurepip|python3-venv/.test(error.output ?? '')
      ? 'run: sudo apt-get install -y python3-venv'
      : reason(error);
    throw new SetupError(`training/.venv cannot be made; ${hint}`);
  }
}

/** The first interpreter that is new enough: `PYTHON`, or what PATH has. */
async function findPython() {
  const names = process.env.PYTHON
    ? [process.env.PYTHON]
    : ['python3', 'python', 'python3.13', 'python3.12', 'python3.11'];
  const test = `import sys; sys.exit(sys.version_info < (${OLDEST.join(', ')}))`;
  for (const name of names) {
    const fits = await run(name, ['-c', test]).then(
      () => true,
      () => false,
    );
    if (fits) return name;
  }
  throw new SetupError(`Python ${OLDEST.join('.')} or newer is missing; install it, or set PYTHON to its path`);
}
