import { readFile } from 'node:fs/promises';
import { TinySRError } from '../shared/errors.js';
import { log } from '../shared/log.js';
import { throwIfStopped } from '../shared/stopped.js';
import { RELAY_OPTION_TABLE } from './cli-options.js';
import { isLoopback, type RelayConfig, resolveOptions } from './options.js';
import { createRelay, type Relay } from './relay.js';

/** How long the relay waits for rooms to empty when it is told to end, in milliseconds. */
const DRAIN_MS = 10_000;

/** What the command line gives: values by the names of {@link RELAY_OPTION_TABLE}, as text or already parsed. */
export type RelayCliValues = Readonly<Record<string, unknown>> & {
  /** Log lines on stderr from this level on; undefined: warnings. */
  readonly verbose?: boolean;
};

/** Where the command says that it is ready. */
export interface RunRelayHooks {
  /** Lines for people. */
  readonly print?: (line: string) => void;
  /** Called once the relay listens. */
  readonly ready?: (relay: Relay) => void;
}

/** What keeps a config file from being read. */
const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder',
};

function json(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TinySRError('TSR_RELAY_CONFIG', `${name} is not JSON`, { cause });
  }
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = UNREADABLE[code ?? ''] ?? `cannot be read: ${code}`;
    throw new TinySRError('TSR_RELAY_CONFIG', `${path}: the config file ${why}`, { cause });
  }
  // Editors of Windows put a byte order mark in front.
  const config = json(path, text.replace(/^\uFEFF/, ''));
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new TinySRError('TSR_RELAY_CONFIG', `${path}: the config file must hold a JSON object`);
  }
  return config as Record<string, unknown>;
}

/** Text of a flag or a variable as the setting takes it; numbers are read from text by the setting's own check. */
function fromText(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (name === 'iceServers') return json('--ice-servers', value);
  if (name === 'allowOrigins') return value.split(',').map((origin) => origin.trim());
  if (name === 'selfSigned') return !/^(?:|0|false|no)$/i.test(value);
  return value;
}

/** Settings from flags, then environment, then the config file. @throws TinySRError `TSR_RELAY_CONFIG` */
export async function relayConfig(
  values: RelayCliValues,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<RelayConfig> {
  const given: Record<string, unknown> = {};
  for (const { name, env } of RELAY_OPTION_TABLE) {
    const value = fromText(name, values[name] ?? environment[env]);
    // A variable that somebody forgot to set must not open the relay to everybody.
    if (name === 'token' && value === '') {
      throw new TinySRError('TSR_RELAY_CONFIG', 'the token is empty', {
        hint: 'Give one of 8 characters or more, or leave --token and TINYSR_RELAY_TOKEN out.',
      });
    }
    if (value !== undefined && value !== '') given[name] = value;
  }
  const { config, ...flags } = given;
  return { ...(typeof config === 'string' ? await readConfig(config) : {}), ...flags } as RelayConfig;
}

/**
 * `tinysr-video relay`: runs until `signal` aborts, then takes no one in any more, waits a while for rooms to empty, and
 * closes.
 *
 * @throws TinySRError `TSR_RELAY_*`, `TSR_MEDIASOUP_MISSING`, `TSR_FFMPEG_*`, `TSR_MODEL_*`, `TSR_INTERRUPTED`
 */
export async function runRelay(values: RelayCliValues, signal: AbortSignal, hooks: RunRelayHooks = {}): Promise<void> {
  const { print = (line: string) => process.stderr.write(`${line}\n`), ready } = hooks;
  const config = await relayConfig(values);
  log.level = values.verbose ? 'debug' : 'warn';
  throwIfStopped(signal, 'stopped before the relay began');
  await using relay = await createRelay(config);
  print(`relay: ${relay.url}`);
  print(`media: ${relay.mediaAddresses.join(', ')}, UDP and TCP port ${config.announcedPort ?? relay.mediaPort}`);
  const local = isLoopback(resolveOptions(config).host);
  if (relay.url.startsWith('http:') && !local) {
    print(
      'note: browsers give cameras and screens to HTTPS pages only; add --self-signed, or --tls-cert and --tls-key',
    );
  }
  if (!local && config.token === undefined) {
    print('note: anybody who reaches this address can publish; set a token (TINYSR_RELAY_TOKEN)');
  }
  ready?.(relay);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  print('relay: ending; publishers and viewers have 10 seconds');
  await relay.drain(DRAIN_MS);
}
