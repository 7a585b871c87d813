import { fileURLToPath } from 'node:url';
import { probe } from '../../decode/probe-source.js';
import { chooseProvider } from '../../infer/providers.js';
import { DEFAULT_MODEL } from '../../infer/resolve-model.js';
import { TinySRError } from '../../shared/errors.js';
import type { Effort } from '../effort.js';
import type { Machine } from '../machine.js';
import { runMeasuring } from '../run-cell.js';
import { type Candidate, selectDevices, selectModels } from '../select.js';
import { NAMED_SIZES, STREAM_SIZES } from '../sizes.js';
import { makeMaster } from '../source-clip.js';
import type { BenchEvent, BenchOptions, BenchResult, BenchSize } from '../types.js';
import { makeLiveClip } from './live-clip.js';
import type { StreamOptions, StreamRequest, StreamRow } from './types.js';

const SCRIPT = fileURLToPath(new URL('./process.js', import.meta.url));
/** Time beyond the run itself for opening sessions and ending ffmpegs, in milliseconds. */
const SPARE_MS = 120_000;
/** Seconds that making a source and opening a session usually take. */
const OPENING_SECONDS = 3;

/** What a run of the live path needs. */
export interface StreamContext {
  readonly options: BenchOptions;
  readonly effort: Effort;
  readonly machine: Machine;
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly emit: (event: BenchEvent) => void;
}

async function sourcesOf({ options, scratch, signal }: StreamContext): Promise<{ video: string; sizes: BenchSize[] }> {
  const { input, sizes } = options;
  if (input === undefined) {
    return { video: await makeMaster(scratch, signal), sizes: [...(sizes ?? STREAM_SIZES)] };
  }
  const { video } = await probe(input, signal);
  const [width, height] = [video.width & ~1, video.height & ~1];
  const named = NAMED_SIZES.find((size) => size.width === width && size.height === height);
  return { video: input, sizes: [named ?? { name: `${width}x${height}`, width, height }] };
}

/**
 * Measures the live path for each model, device, size and rate.
 *
 * @throws TinySRError
 */
export async function runStreams(
  context: StreamContext,
  stream: StreamOptions,
): Promise<Pick<BenchResult, 'devices' | 'models' | 'infer' | 'pipeline' | 'stream'>> {
  const { options, effort, machine, scratch, signal, emit } = context;
  const candidates = await selectModels({ ...options, models: options.models ?? [DEFAULT_MODEL] }, signal);
  const { model } = candidates[0] as Candidate;
  const devices = options.devices ?? [await chooseProvider(model, 'auto', signal)];
  const { providers, reports } = await selectDevices(model, devices, signal);
  const { video, sizes } = await sourcesOf(context);
  const cells = candidates.flatMap(({ model, reference }) =>
    providers.flatMap((provider) =>
      sizes.flatMap((size) => stream.fps.map((fps) => ({ model: model.name, reference, provider, size, fps }))),
    ),
  );
  const seconds = stream.seconds ?? effort.stream.seconds;
  const windowSeconds = Math.min(effort.stream.windowSeconds, seconds / 2);
  const rows: StreamRow[] = [];
  for (const [index, cell] of cells.entries()) {
    const label = `${cell.model} on ${cell.provider}, live ${cell.size.name} at ${cell.fps} fps`;
    const leftSeconds = (cells.length - index) * (seconds + OPENING_SECONDS);
    emit({ type: 'cell', label, number: index + 1, total: cells.length, leftSeconds });
    const clip = await makeLiveClip(video, cell.size, cell.fps, scratch, signal);
    const request: StreamRequest = { ...cell, clip, seconds, windowSeconds, threads: machine.threads };
    type Reply = { readonly kind: 'stream'; readonly row: StreamRow };
    const reply = await runMeasuring<Reply>(SCRIPT, request, seconds * 1000 + SPARE_MS, signal);
    if (reply.kind === 'stream') {
      rows.push(reply.row);
      emit({ type: 'stream', row: reply.row });
    } else emit({ type: 'warning', message: `${label}: ${reply.message}` });
  }
  if (!rows.length) {
    throw new TinySRError('TSR_INFER_FAILED', 'nothing could be measured', { hint: 'The warnings above say why.' });
  }
  const models = candidates.map(({ about }) => about);
  return { devices: reports, models, infer: [], pipeline: [], stream: rows };
}
