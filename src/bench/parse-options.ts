import { DEVICES, type Device } from '../infer/types.js';
import { TinySRError } from '../shared/errors.js';
import { parseSize } from './sizes.js';
import type { StreamOptions } from './stream/types.js';
import type { BenchOptions } from './types.js';

/** Everything the command line asks for. */
export interface BenchCommand {
  readonly options: BenchOptions;
  readonly json: boolean;
  readonly report: string | undefined;
  readonly compare: string | undefined;
}

function usage(message: string, hint?: string): TinySRError {
  return new TinySRError('TSR_USAGE', message, hint === undefined ? {} : { hint });
}

function text(values: Record<string, unknown>, name: string): string | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw usage(`--${name} needs a value`);
  return value;
}

function list(values: Record<string, unknown>, name: string): string[] | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  const given = (Array.isArray(value) ? value : [value]).map(String);
  const parts = given.flatMap((part) => part.split(',')).map((part) => part.trim());
  if (!parts.length || parts.includes('')) throw usage(`--${name} needs names separated by commas`);
  return [...new Set(parts)];
}

function count(values: Record<string, unknown>, name: string, most: number): number | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw usage(`--${name} must be a whole number from 1 to ${most}, not ${value}`);
}

function device(name: string): Device {
  const known = DEVICES.find((candidate) => candidate === name);
  if (known) return known;
  throw usage(`--device ${name} is not a device`, `Devices: ${DEVICES.join(', ')}.`);
}

/** Shortest live run in seconds: the governor looks back on one and a half of them before it moves. */
const LEAST_SECONDS = 4;

function stream(values: Record<string, unknown>): StreamOptions | undefined {
  const fps = list(values, 'fps')?.map(Number) ?? [30];
  const bad = fps.find((rate) => !(rate >= 1 && rate <= 120));
  if (bad !== undefined) throw usage('--fps takes frames a second from 1 to 120, separated by commas');
  const seconds = count(values, 'seconds', 3600);
  if (!values.stream) {
    const alone = ['fps', 'seconds'].find((name) => values[name] !== undefined);
    if (alone !== undefined) throw usage(`--${alone} goes with --stream`);
    return undefined;
  }
  if (seconds !== undefined && seconds < LEAST_SECONDS) throw usage(`--seconds must be ${LEAST_SECONDS} or more`);
  const others = { batch: 'A live bridge runs a frame at a time.', peer: 'Name your own file by --model.' };
  for (const [name, hint] of Object.entries(others)) {
    if (values[name] !== undefined) throw usage(`--${name} and --stream exclude each other`, hint);
  }
  return { fps, seconds };
}

/** Reads the parsed command line. @throws TinySRError `TSR_USAGE` */
export function parseBenchOptions(values: Record<string, unknown>): BenchCommand {
  const { quick = false, full = false } = values;
  if (quick && full) throw usage('--quick and --full exclude each other');
  const input = text(values, 'input');
  const sizes = list(values, 'size')?.map(parseSize);
  if (input !== undefined && sizes)
    throw usage('--size and --input exclude each other', 'A clip is measured at its size.');
  return {
    options: {
      mode: quick ? 'quick' : full ? 'full' : 'default',
      models: list(values, 'model'),
      peers: list(values, 'peer') ?? [],
      devices: list(values, 'device')?.map(device),
      sizes,
      input,
      batch: count(values, 'batch', 64),
      threads: count(values, 'threads', 256),
      stream: stream(values),
    },
    json: values.json === true,
    report: text(values, 'report'),
    compare: text(values, 'compare'),
  };
}
