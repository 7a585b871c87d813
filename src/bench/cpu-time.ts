import { readFileSync } from 'node:fs';

/** Clock ticks a second of `/proc`; 100 on every Linux that Node runs on. */
const TICKS = 100;

/** CPU-seconds so far of children that have ended; null where the system does not tell. */
function childSeconds(): number | null {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    // Fields after the name in parentheses: cutime and cstime are fields 16 and 17 of the line.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) / TICKS;
  } catch {
    return null;
  }
}

/** CPU-seconds so far of this process and its threads, and of its children that have ended. */
export interface CpuTime {
  readonly self: number;
  /** Null where the system does not tell. */
  readonly children: number | null;
}

/** Reads the clocks. */
export function cpuTime(): CpuTime {
  const { user, system } = process.cpuUsage();
  return { self: (user + system) / 1e6, children: childSeconds() };
}

/** CPU-seconds since an earlier reading, children included; null where theirs cannot be told. */
export function cpuSecondsSince(before: CpuTime): number | null {
  const now = cpuTime();
  if (now.children === null || before.children === null) return null;
  return now.self - before.self + now.children - before.children;
}

/** Peak resident bytes of a running process; null where the system does not tell. */
export function peakRssOf(pid: number | undefined): number | null {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

/** Peak resident bytes of this process. */
export function ownPeakRss(): number {
  return process.resourceUsage().maxRSS * 1024;
}
