import { listModels } from '../infer/manifest.js';
import { type DeviceReport, probeDevice } from '../infer/providers.js';
import { resolveModel } from '../infer/resolve-model.js';
import { DEVICES, type Device, type Model, type Provider } from '../infer/types.js';
import { TinySRError } from '../shared/errors.js';
import type { BenchModel, BenchOptions } from './types.js';

/** A model to measure, and what results say of it. */
export interface Candidate {
  readonly model: Model;
  /** What another process finds it by: the name of one that ships, the path of any other. */
  readonly reference: string;
  readonly about: BenchModel;
}

type Scores = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The numbers of a manifest's quality entry, by track. */
function scores(quality: Readonly<Record<string, unknown>> | undefined): Scores | null {
  const tracks = Object.entries(quality ?? {}).flatMap(([track, found]) => {
    if (typeof found !== 'object' || found === null) return [];
    const numbers = Object.entries(found).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
    return numbers.length ? [[track, Object.fromEntries(numbers)] as const] : [];
  });
  return tracks.length ? Object.fromEntries(tracks) : null;
}

function candidate(
  model: Model,
  reference: string,
  shipped: boolean,
  quality?: Readonly<Record<string, unknown>>,
): Candidate {
  const { name, params = null, macsPerLrPixel = null } = model;
  return { model, reference, about: { name, shipped, params, macsPerLrPixel, quality: scores(quality) } };
}

/**
 * The models to measure: those that ship and were named, then the peers.
 *
 * @throws TinySRError `TSR_MODEL_*`
 */
export async function selectModels(options: BenchOptions, signal: AbortSignal): Promise<Candidate[]> {
  const shipped = await listModels();
  const all = options.models ?? shipped.map(({ name }) => name);
  const named = options.mode === 'quick' && !options.models ? all.slice(0, 1) : all;
  const candidates: Candidate[] = [];
  for (const name of named) {
    const entry = shipped.find((model) => model.name === name);
    candidates.push(candidate(await resolveModel(name, signal), name, entry !== undefined, entry?.quality));
  }
  for (const file of options.peers) candidates.push(candidate(await resolveModel(file, signal), file, false));
  return candidates;
}

/**
 * The providers to measure on. Without names: the CPU, and whatever else can be used.
 *
 * @throws TinySRError `TSR_DEVICE_UNAVAILABLE`, `TSR_DEVICE_WRONG_RESULT` when a named one cannot be
 */
export async function selectDevices(
  model: Model,
  devices: readonly Device[] | undefined,
  signal: AbortSignal,
): Promise<{ readonly providers: Provider[]; readonly reports: DeviceReport[] }> {
  const all = devices === undefined || devices.includes('auto');
  const wanted = DEVICES.filter((name): name is Provider => name !== 'auto' && (all || devices.includes(name)));
  const reports: DeviceReport[] = [];
  for (const provider of wanted) {
    const report = await probeDevice(model, provider, signal);
    reports.push(report);
    if (report.usable || all) continue;
    const code = report.reason?.startsWith('its result') ? 'TSR_DEVICE_WRONG_RESULT' : 'TSR_DEVICE_UNAVAILABLE';
    const hint = report.hint === undefined ? {} : { hint: report.hint };
    throw new TinySRError(code, `device ${provider} cannot be used: ${report.reason}`, hint);
  }
  const providers = reports.filter(({ usable }) => usable).map(({ provider }) => provider);
  if (providers.length) return { providers, reports };
  throw new TinySRError('TSR_DEVICE_UNAVAILABLE', 'no device can be used', { hint: 'Run tinysr-video doctor.' });
}
