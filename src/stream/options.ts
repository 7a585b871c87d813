import { z } from 'zod';
import { DEFAULT_MODEL } from '../infer/resolve-model.js';
import { DEVICES, type Upscaler, type UpscalerOptions } from '../infer/types.js';
import { createUpscaler } from '../infer/upscaler.js';
import { requireObject } from '../shared/check-options.js';
import { TinySRError } from '../shared/errors.js';

const size = z
  .string()
  .regex(/^\d{2,5}x\d{2,5}$/, 'must be <width>x<height>, for example 1920x1080')
  .transform((text) => {
    const [width = 0, height = 0] = text.split('x').map(Number);
    return { width, height };
  })
  .refine(({ width, height }) => width >= 64 && height >= 64 && width <= 3840 && height <= 3840, {
    message: 'must lie between 64x64 and 3840x3840',
  });

const iceUrl = z.string().regex(/^(?:stun|turn)s?:[^/\s]+$/i, 'must be stun:, stuns:, turn: or turns: with a host');

/** An ICE server as browsers take it: one that they cannot take would keep all pages from connecting. */
const iceServer = z
  .strictObject({
    urls: z.union([iceUrl, z.array(iceUrl).min(1)]),
    username: z.string().optional(),
    credential: z.string().optional(),
  })
  .refine(({ urls, username, credential }) => ![urls].flat().some(isTurn) || (username && credential), {
    message: 'a TURN server needs username and credential',
  });

function isTurn(url: string): boolean {
  return /^turns?:/i.test(url);
}

/** An origin as browsers send it. */
const origin = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:/i.test(text), 'must be an origin, for example https://example.org')
  .transform((text) => new URL(text).origin);

/** A whole number, as flags and variables have it or as a config file does; not what JavaScript takes for one: null, true, []. */
function whole(least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z
    .union([z.number(), z.string().regex(/^\d+$/, error)], { error })
    .transform(Number)
    .pipe(z.number().int({ error }).min(least, { error }).max(most, { error }));
}

const port = whole(0, 65_535);

/** What can be set, with what holds otherwise. Keys are those of a config file. */
export const relaySchema = z.strictObject({
  /** Address the page, the signalling and the API listen on: `[host:]port`. Port 0 takes a free one. */
  listen: z
    .string()
    .regex(/^(?:(?:\[[0-9a-f:.]+\]|[^:\s]+):)?\d{1,5}$/i, 'must be [host:]port')
    .default('127.0.0.1:8480'),
  /** UDP and TCP port of all media; 0 takes a free one. */
  mediaPort: port.default(44_480),
  /** Address that browsers reach the media port at, when it is not the one listened on. */
  announcedAddress: z.string().min(1).max(253).optional(),
  /** Port that browsers reach the media port at, when something on the way maps it to another one. */
  announcedPort: whole(1, 65_535).optional(),
  tlsCert: z.string().min(1).optional(),
  tlsKey: z.string().min(1).optional(),
  /** Make a self-signed certificate for this run. */
  selfSigned: z.boolean().default(false),
  /** Whoever publishes or watches must know it. */
  token: z
    .string()
    .regex(/^[\x21-\x7e]{8,512}$/, 'must have 8 to 512 characters, no spaces')
    .optional(),
  /** Given to browsers that need a TURN or STUN server. */
  iceServers: z.array(iceServer).max(8).default([]),
  /** Origins of other sites whose pages may connect. */
  allowOrigins: z.array(origin).max(64).default([]),
  /** Best model to use; smaller ones that ship take over when the device is too slow. */
  model: z.string().min(1).default(DEFAULT_MODEL),
  device: z.enum(DEVICES).default('auto'),
  threads: whole(1, 256).optional(),
  /** Largest upscaled picture, in either orientation. */
  maxOutput: size.default({ width: 1920, height: 1080 }),
  /** Codec of the upscaled stream. */
  codec: z.enum(['h264', 'vp8']).default('h264'),
  /** Frame age that the governor keeps, in milliseconds. */
  targetDelay: whole(50, 2000).default(250),
  maxRooms: whole(1, 10_000).default(16),
  /** Viewers a room. */
  maxViewers: whole(1, 10_000).default(50),
  /** Largest published bit rate, in bits a second. */
  maxBitrate: whole(100_000, 100_000_000).default(8_000_000),
  /** Largest published picture that is upscaled. */
  maxInput: size.default({ width: 1920, height: 1080 }),
});

/** Options of {@link createRelay} as a config file has them. */
export type RelayConfig = z.input<typeof relaySchema>;

/** Options of {@link createRelay}. */
export interface RelayOptions extends RelayConfig {
  /** Opens upscalers in place of this package's own; for tests and for other engines. */
  readonly openUpscaler?: (options: UpscalerOptions) => Promise<Upscaler>;
}

/** Options with every default filled in. */
export interface RelaySettings extends z.output<typeof relaySchema> {
  readonly host: string;
  readonly port: number;
  readonly openUpscaler: (options: UpscalerOptions) => Promise<Upscaler>;
}

/** Whether what listens there is reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

/** Checks options and fills in defaults. @throws TinySRError `TSR_RELAY_CONFIG` */
export function resolveOptions(options: RelayOptions): RelaySettings {
  const hint = 'Leave them out for the defaults; docs/relay.md has the settings and their values.';
  requireObject(options, 'the options', hint, 'TSR_RELAY_CONFIG');
  const { openUpscaler = createUpscaler, ...config } = options;
  if (typeof openUpscaler !== 'function') {
    throw new TinySRError('TSR_RELAY_CONFIG', 'openUpscaler: must be a function, which no config file can hold', {
      hint,
    });
  }
  const parsed = relaySchema.safeParse(config);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TinySRError('TSR_RELAY_CONFIG', `${issue?.path.join('.') || 'configuration'}: ${issue?.message}`, {
      hint: 'See docs/relay.md for the settings and their values.',
    });
  }
  const settings = parsed.data;
  if (Boolean(settings.tlsCert) !== Boolean(settings.tlsKey)) {
    throw new TinySRError('TSR_RELAY_CONFIG', 'tlsCert and tlsKey go together; one of them is missing');
  }
  const colon = settings.listen.lastIndexOf(':');
  const host = colon < 0 ? '127.0.0.1' : settings.listen.slice(0, colon).replace(/^\[|\]$/g, '');
  const listenPort = Number(settings.listen.slice(colon + 1));
  if (listenPort > 65_535) throw new TinySRError('TSR_RELAY_CONFIG', `listen: there is no port ${listenPort}`);
  return { ...settings, host, port: listenPort, openUpscaler };
}
