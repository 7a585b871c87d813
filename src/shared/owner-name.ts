import { hostname } from 'node:os';

/** Name of this machine as far as a file name can hold it. */
const HOST = hostname()
  .replaceAll(/[^\w-]/g, '_')
  .slice(0, 32);

/** Begins the part of a temporary's name that tells its owner; a folder may be shared by machines. */
export const MACHINE_PREFIX = `${HOST}-`;

/** Machine and process, as they stand in a temporary's name. */
export const OWNER = `${MACHINE_PREFIX}${process.pid}`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Whether a temporary belongs to a process of this machine that has ended.
 *
 * @param prefix what stands in front of the process id: the temporary's kind and {@link MACHINE_PREFIX}
 */
export function isLeftBehind(name: string, prefix: string): boolean {
  if (!name.startsWith(prefix)) return false;
  const pid = Number.parseInt(name.slice(prefix.length), 10);
  return pid > 0 && !isAlive(pid);
}
