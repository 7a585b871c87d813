/** What processes use, from Linux's /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Ticks a second of the times in /proc/<pid>/stat: the same on all of Linux's architectures. */
const TICKS = 100;

function read(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It ended meanwhile.
    return '';
  }
}

function list(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Inodes of all UDP sockets and of TCP sockets that listen. */
function portInodes() {
  const inodes = new Set();
  for (const table of ['udp', 'udp6', 'tcp', 'tcp6']) {
    for (const line of read(`/proc/net/${table}`).trim().split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (table.startsWith('udp') || fields[3] === '0A') inodes.add(fields[9]);
    }
  }
  return inodes;
}

function socketInode(pid, descriptor) {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
  } catch {
    return undefined;
  }
}

function use(pid, inodes) {
  // The name in parentheses may hold anything; the other fields follow the last one.
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\)\s/s, '')
    .split(' ');
  const [state, parent] = fields;
  // A zombie has ended.
  if (!parent || state === 'Z') return undefined;
  const descriptors = list(`/proc/${pid}/fd`);
  return {
    pid,
    parent: Number(parent),
    command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim(),
    rssBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
    endedCpuSeconds: (Number(fields[13]) + Number(fields[14])) / TICKS,
    threads: Number(fields[17]),
    descriptors: descriptors.length,
    ports: descriptors.filter((descriptor) => inodes.has(socketInode(pid, descriptor))).length,
  };
}

export function readProcess(pid) {
  return use(pid, portInodes());
}

export function processTree(root) {
  const inodes = portInodes();
  const parents = list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({
      pid: Number(name),
      parent: Number(
        read(`/proc/${name}/stat`)
          .replace(/^.*\)\s/s, '')
          .split(' ')[1],
      ),
    }));
  const tree = [root];
  for (const pid of tree) tree.push(...parents.filter(({ parent }) => parent === pid).map((child) => child.pid));
  return tree.map((pid) => use(pid, inodes)).filter((entry) => entry !== undefined);
}
