import { readdirSync, readFileSync } from 'node:fs';

/** A child of this process. */
export interface Child {
  readonly pid: number;
  readonly command: string;
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    // It ended meanwhile.
    return '';
  }
}

/** Live children of this process, or of another one (a zombie has ended), from /proc. */
export function children(of = process.pid): Child[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    // The name in parentheses may hold anything; state and parent follow the last one.
    const [state, parent] = readProc(pid, 'stat')
      .replace(/^.*\)\s/s, '')
      .split(' ');
    if (Number(parent) !== of || state === 'Z') return [];
    return [{ pid: Number(pid), command: readProc(pid, 'cmdline').replaceAll('\0', ' ') }];
  });
}

/** The ffmpeg that decodes: it alone writes times to descriptor 3. */
export function decoder(): Child {
  return only(children().filter(({ command }) => command.includes(' pipe:3 ')));
}

/** The ffmpeg that encodes: it alone reads frames from stdin. */
export function encoder(): Child {
  return only(children().filter(({ command }) => command.includes(' pipe:0 ')));
}

function only(found: readonly Child[]): Child {
  const [child] = found;
  if (!child || found.length > 1) throw new Error(`${found.length} children match`);
  return child;
}

/** Commands of live processes, of whomever, that name a path. */
export function processesNaming(path: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.map((pid) => readProc(pid, 'cmdline').replaceAll('\0', ' ')).filter((command) => command.includes(path));
}
