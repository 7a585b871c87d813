import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { hasNvidiaGpu } from '../infer/providers.js';
import { runChild } from '../shared/child.js';
import { requireFfmpeg } from '../shared/ffmpeg.js';

/** Where a benchmark ran. */
export interface Machine {
  readonly cpu: string;
  /** Cores this process may use. */
  readonly cores: number;
  /** Instruction sets that matter to inference, e.g. `avx2`. */
  readonly instructions: readonly string[];
  readonly memoryBytes: number;
  readonly os: string;
  /** GPU and driver in the driver's words; null where there is none that tells. */
  readonly gpu: string | null;
  /** Threads of inference. */
  readonly threads: number;
  readonly versions: Readonly<Record<'tinysrVideo' | 'node' | 'onnxruntime' | 'ffmpeg', string>>;
  /** Load average of the minute before: others at work make every number smaller. */
  readonly load: number;
}

/** Whether others were at work when a run began: then its numbers say less than they seem to. */
export function wasBusy({ load, cores }: Pick<Machine, 'cores'> & { readonly load?: number | undefined }): boolean {
  return load !== undefined && load > cores / 2;
}

const MATTERING = ['avx2', 'avx_vnni', 'avx512f', 'avx512_vnni', 'amx_int8', 'neon', 'asimd', 'asimddp', 'i8mm', 'sve'];

function instructions(): string[] {
  try {
    const flags =
      /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'latin1'))?.[1]?.split(' ') ?? [];
    return MATTERING.filter((name) => flags.includes(name));
  } catch {
    return [];
  }
}

function packageVersion(specifier: string): string {
  const { version } = createRequire(import.meta.url)(specifier) as { version: string };
  return version;
}

async function gpu(signal: AbortSignal): Promise<string | null> {
  if (!hasNvidiaGpu()) return null;
  const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
  const child = await runChild('nvidia-smi', query, { signal, timeoutMs: 10_000 }).catch(() => undefined);
  return child?.code === 0 ? child.stdout.toString().trim().split('\n').join('; ') : null;
}

/** Bytes in use on the first NVIDIA GPU; null where they cannot be read. */
export async function gpuMemoryUsed(): Promise<number | null> {
  if (!hasNvidiaGpu()) return null;
  const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits'];
  const child = await runChild('nvidia-smi', query, { timeoutMs: 10_000 }).catch(() => undefined);
  const mebibytes = Number.parseInt(child?.stdout.toString() ?? '', 10);
  return Number.isFinite(mebibytes) ? mebibytes * 2 ** 20 : null;
}

/** Describes this machine. @throws TinySRError `TSR_FFMPEG_MISSING` */
export async function describeMachine(threads: number | undefined, signal: AbortSignal): Promise<Machine> {
  const { version } = await requireFfmpeg();
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    instructions: instructions(),
    memoryBytes: totalmem(),
    os: `${platform()} ${release()} ${arch()}`,
    gpu: await gpu(signal),
    threads: threads ?? availableParallelism(),
    versions: {
      tinysrVideo: packageVersion('../../package.json'),
      node: process.versions.node,
      onnxruntime: packageVersion('onnxruntime-node/package.json'),
      ffmpeg: version,
    },
    load: loadavg()[0] ?? 0,
  };
}
