import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChild } from '../shared/child.js';
import { TinySRError } from '../shared/errors.js';
import { throwIfStopped } from '../shared/stopped.js';
import { checkModel } from './check-upscaler.js';
import type { ProbeRequest, ProbeResult } from './probe-device.js';
import { tileSides } from './tile-sides.js';
import type { Device, Model, Provider } from './types.js';

/** How a provider did on the probe frame. */
export interface DeviceReport {
  readonly provider: Provider;
  /** It loads, and its result is the CPU's within two levels. */
  readonly usable: boolean;
  /** Milliseconds of one run of the probe frame; undefined when not usable. */
  readonly runMs: number | undefined;
  /** Whether it is faster than the CPU; undefined when they did not race. */
  readonly beatsCpu: boolean | undefined;
  /** Why not, in one line. */
  readonly reason: string | undefined;
  /** What to do about it. */
  readonly hint: string | undefined;
}

const INSTALL: Readonly<Record<Provider, string>> = {
  cpu: 'Install tinysr-video again: the CPU provider is part of it.',
  cuda: 'Run npm run setup -- --cuda (or ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node) with CUDA 12 and cuDNN 9 installed.',
  tensorrt: 'Run npm run setup -- --cuda and install TensorRT 10 for CUDA 12.',
  webgpu:
    'A Vulkan, Metal or Direct3D 12 driver is needed (Debian: apt-get install mesa-vulkan-drivers, or the GPU maker’s driver).',
  coreml: 'CoreML exists on macOS only.',
  dml: 'DirectML exists on Windows only.',
};

const PLATFORM: Partial<Record<Provider, NodeJS.Platform>> = { coreml: 'darwin', dml: 'win32' };

/** Whether onnxruntime's CUDA libraries were downloaded. */
function hasCudaLibrary(): boolean {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const folder = join(root, 'bin', 'napi-v6', process.platform, process.arch);
  return existsSync(folder) && readdirSync(folder).some((file) => /providers_cuda/.test(file));
}

/** Whether the system shows an NVIDIA GPU. */
export function hasNvidiaGpu(): boolean {
  return existsSync('/dev/nvidia0') || existsSync('/dev/dxg');
}

/** Whether trying a provider makes sense: its library and a device are there. Cheap, so that `auto` starts fast. */
function isPlausible(provider: Provider): boolean {
  const platform = PLATFORM[provider];
  if (platform) return process.platform === platform;
  if (provider === 'cuda' || provider === 'tensorrt') return hasCudaLibrary();
  if (provider !== 'webgpu' || process.platform !== 'linux') return true;
  const nodes = existsSync('/dev/dri') ? readdirSync('/dev/dri') : [];
  return hasNvidiaGpu() || nodes.some((node) => node.startsWith('renderD')) || Boolean(process.env.VK_ICD_FILENAMES);
}

/** Side of the frame on which a provider races the CPU: about as many pixels as 480x270. */
const RACE_SIDE = 360;

/**
 * Loads a provider and runs a probe frame in a process of its own, as a bad driver may crash.
 *
 * @param racing whether it also races the CPU
 * @throws TinySRError `TSR_INTERRUPTED`; `TSR_USAGE` for what is no model
 */
export async function probeDevice(
  model: Model,
  provider: Provider,
  signal?: AbortSignal,
  racing = false,
): Promise<DeviceReport> {
  const failed = (reason: string): DeviceReport => ({
    provider,
    usable: false,
    runMs: undefined,
    beatsCpu: undefined,
    reason,
    hint: INSTALL[provider],
  });
  checkModel(model);
  if (!isPlausible(provider)) return failed('not available on this machine');
  const variant = model.variants.find(({ format }) => format === 'rgb24');
  if (!variant) return failed(`${model.name} has no rgb24 graph`);
  const script = fileURLToPath(new URL('./probe-device.js', import.meta.url));
  const own = tileSides(model);
  const square = (units: number) => ({ width: units * model.multiple, height: units * model.multiple });
  const request: ProbeRequest = {
    ...{ variant, provider, scale: model.scale, size: own ?? square(16) },
    raceSize: racing ? (own ?? square(Math.ceil(RACE_SIDE / model.multiple))) : null,
  };
  const child = await runChild(process.execPath, [script, JSON.stringify(request)], { signal, timeoutMs: 60_000 });
  throwIfStopped(signal, 'stopped while probing devices');
  let result: ProbeResult;
  try {
    result = JSON.parse(child.stdout.toString()) as ProbeResult;
  } catch {
    return failed(`it ended the probe (${child.signal ?? `exit status ${child.code}`})`);
  }
  if (result.error) return failed(result.error.split('\n')[0] ?? result.error);
  if (result.difference > 2) {
    const reason = `its result differs from the CPU's by ${result.difference} of 255 levels`;
    return { ...failed(reason), hint: 'Update the driver, or use --device cpu.' };
  }
  const { runMs, beatsCpu } = result;
  return { provider, usable: true, runMs, beatsCpu: beatsCpu ?? undefined, reason: undefined, hint: undefined };
}

/** Order in which `auto` tries. TensorRT is left out: it builds engines for minutes at the first run. */
const AUTO_ORDER: readonly Provider[] = ['cuda', 'coreml', 'dml', 'webgpu'];

/**
 * The provider to run a model on.
 *
 * @throws TinySRError `TSR_DEVICE_UNAVAILABLE`, `TSR_DEVICE_WRONG_RESULT` for a device named by the user
 */
export async function chooseProvider(model: Model, device: Device, signal?: AbortSignal): Promise<Provider> {
  checkModel(model);
  if (device === 'cpu') return 'cpu';
  if (device !== 'auto') {
    const report = await probeDevice(model, device, signal);
    if (report.usable) return device;
    const wrong = report.reason?.startsWith('its result');
    throw new TinySRError(
      wrong ? 'TSR_DEVICE_WRONG_RESULT' : 'TSR_DEVICE_UNAVAILABLE',
      `device ${device} cannot be used: ${report.reason}`,
      report.hint === undefined ? {} : { hint: report.hint },
    );
  }
  for (const provider of AUTO_ORDER.filter(isPlausible)) {
    // A software Vulkan driver answers rightly too, a thousand times slower than the CPU provider.
    const { usable, beatsCpu } = await probeDevice(model, provider, signal, true);
    if (usable && beatsCpu) return provider;
  }
  return 'cpu';
}
