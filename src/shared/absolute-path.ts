import { normalize, resolve } from 'node:path';

/**
 * A path that stays right wherever the process goes: an absolute one. In a folder whose name is no UTF-8, which Node
 * cannot say, it stays relative.
 */
export function absolutePath(path: string): string {
  return process.cwd().includes('\u{fffd}') ? normalize(path) : resolve(path);
}
