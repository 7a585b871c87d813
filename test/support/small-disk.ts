import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { processesNaming } from './processes.js';

/** What a command on a small disk left. */
export interface SmallDiskResult {
  readonly code: number | null;
  readonly stderr: string;
  /** Names on the disk afterwards. */
  readonly left: readonly string[];
  /** Live processes afterwards whose command names the disk. */
  readonly processes: readonly string[];
}

/** A way of making a disk that fills; the disk goes with the command. */
interface Way {
  readonly name: string;
  /** Program and arguments that give the right to mount; undefined: the size of each file is limited instead. */
  readonly mounter: readonly string[] | undefined;
}

const MEGABYTES = 2;
const MOUNT = `mount -t tmpfs -o size=${MEGABYTES}m none "$1"`;
// A limit is a fault of its own kind, ended by a signal; blocks of 1 kB.
const LIMIT = `ulimit -f ${MEGABYTES * 1024}`;

/** The first way that this machine allows: containers often forbid mounts, and some namespaces too. */
function findWay(): Way {
  const ways = [
    { name: 'tmpfs', mounter: ['unshare', '--mount'] },
    { name: 'tmpfs in a user namespace', mounter: ['unshare', '--map-root-user', '--mount'] },
  ];
  const works = ({ mounter: [program = '', ...args] }: (typeof ways)[number]) =>
    spawnSync(program, [...args, 'bash', '-c', `${MOUNT} && test -w "$1"`, 'bash', '/mnt']).status === 0;
  return ways.find(works) ?? { name: 'limit on the size of files', mounter: undefined };
}

const way = findWay();

/** How disks are made full here; a part of the tests' names, so that a report says what was tried. */
export const SMALL_DISK = way.name;

/**
 * Runs a command with a disk of 2 MB at a place.
 *
 * @param place empty folder that becomes the disk
 * @param shell what bash does; `"$@"` is the command
 */
export async function onSmallDisk(
  place: string,
  command: readonly string[],
  shell = '"$@"',
  env: NodeJS.ProcessEnv = {},
): Promise<SmallDiskResult> {
  mkdirSync(place, { recursive: true });
  const prepare = way.mounter ? MOUNT : LIMIT;
  const script = `${prepare} || exit 99; disk=$1; shift; ${shell}; code=$?; ls -A "$disk"; exit $code`;
  const [program = 'bash', ...args] = [...(way.mounter ?? []), 'bash', '-c', script, 'bash', place, ...command];
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => {
    stdout += text;
  });
  child.stderr.on('data', (text: Buffer) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, stderr, left: stdout.split('\n').filter(Boolean), processes: processesNaming(place) };
}
