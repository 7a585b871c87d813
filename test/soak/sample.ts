import { processTree } from '../../scripts/lib/process-tree.mjs';

/** What one look at a running relay shows. */
export interface Sample {
  /** Since the start of the run. */
  readonly seconds: number;
  readonly relayMb: number;
  readonly workerMb: number;
  /** Both ffmpegs together. */
  readonly ffmpegMb: number;
  readonly ageMs: number;
  readonly ageP95Ms: number;
  readonly fpsIn: number;
  readonly fpsOut: number;
  /** Share of the full size that the governor allows. */
  readonly sizeShare: number;
  readonly processes: number;
  readonly ports: number;
  readonly descriptors: number;
  readonly transports: number;
  /** Packets of the publisher that never came, and key frames asked for. */
  readonly packetsLost: number;
  readonly keyRequests: number;
  /** Pipelines opened again. */
  readonly failures: number;
  /** CPU seconds of the relay and its children so far. */
  readonly cpuSeconds: number;
  /** Frames decoded by each viewer so far. */
  readonly frames: readonly number[];
}

/** Figures of `/metrics` by name; of the first room where they belong to rooms. */
export async function readMetrics(url: string): Promise<(name: string) => number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return (name) =>
    Number(new RegExp(`^tinysr_relay_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

/** Looks at a relay. @param frames decoded by each viewer so far */
export async function takeSample(
  relay: { readonly url: string; readonly pid: number },
  seconds: number,
  frames: readonly number[],
): Promise<Sample> {
  const metric = await readMetrics(relay.url);
  const tree = processTree(relay.pid);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const megabytes = (name: RegExp) =>
    sum(tree.filter(({ command }) => name.test(command)).map(({ rssBytes }) => rssBytes)) / 1e6;
  return {
    seconds,
    relayMb: (tree[0]?.rssBytes ?? 0) / 1e6,
    workerMb: megabytes(/^\S*mediasoup-worker/),
    ffmpegMb: megabytes(/^\S*ffmpeg/),
    ageMs: metric('frame_age_seconds') * 1000,
    ageP95Ms: metric('frame_age_p95_seconds') * 1000,
    fpsIn: metric('fps_in'),
    fpsOut: metric('fps_out'),
    sizeShare: metric('size_share'),
    processes: tree.length,
    ports: sum(tree.map(({ ports }) => ports)),
    descriptors: sum(tree.map(({ descriptors }) => descriptors)),
    transports: metric('transports'),
    packetsLost: metric('packets_lost_total'),
    keyRequests: metric('key_requests_total'),
    failures: metric('failures_total'),
    cpuSeconds: sum(tree.map(({ cpuSeconds, endedCpuSeconds }) => cpuSeconds + endedCpuSeconds)),
    frames,
  };
}
