/** What a process uses now. */
export interface ProcessUse {
  readonly pid: number;
  readonly parent: number;
  /** Command line. */
  readonly command: string;
  readonly rssBytes: number;
  /** User and system time since its start, in seconds. */
  readonly cpuSeconds: number;
  /** The same of its children that have ended. */
  readonly endedCpuSeconds: number;
  readonly threads: number;
  /** Open file descriptors. */
  readonly descriptors: number;
  /** UDP sockets, and TCP sockets that listen. */
  readonly ports: number;
}

/** A process of this id, if it runs. */
export function readProcess(pid: number): ProcessUse | undefined;

/** A process and all that it has started, directly or not. */
export function processTree(root: number): ProcessUse[];
