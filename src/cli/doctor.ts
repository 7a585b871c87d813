import { availableParallelism, totalmem } from 'node:os';
import { CODECS, chooseEncoder } from '../encode/codecs.js';
import { listModels } from '../infer/manifest.js';
import { hasNvidiaGpu, probeDevice } from '../infer/providers.js';
import { DEFAULT_MODEL, resolveModel } from '../infer/resolve-model.js';
import { DEVICES, type Provider } from '../infer/types.js';
import { type ErrorCode, TinySRError, toTinySRError } from '../shared/errors.js';
import { type FfmpegInfo, listHwaccels, requireFfmpeg, requireFfprobe } from '../shared/ffmpeg.js';
import { nodeIsRecentEnough } from '../shared/node-version.js';
import { loadMediasoup, startWorker } from '../stream/media/load.js';
import { table } from './print.js';

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do; undefined when nothing is to be done. */
  readonly advice?: string | undefined;
  /** Nothing works without it. */
  readonly required: boolean;
}

function nodeFinding(): Finding {
  const ok = nodeIsRecentEnough(process.versions.node);
  const advice = ok ? undefined : 'Install Node.js 20.19 or newer.';
  return {
    what: 'node',
    ok,
    detail: `${process.version} on ${process.platform} ${process.arch}`,
    advice,
    required: true,
  };
}

async function ffmpegFindings(): Promise<Finding[]> {
  let info: FfmpegInfo;
  let hwaccels: string[];
  try {
    [info, hwaccels] = await Promise.all([requireFfmpeg(), listHwaccels(), requireFfprobe()]);
  } catch (error) {
    const { message, hint } = toTinySRError(error);
    return [{ what: 'ffmpeg', ok: false, detail: message, advice: hint, required: true }];
  }
  const encoders = CODECS.map((codec) => {
    try {
      return `${codec}: ${chooseEncoder(info, codec, undefined)}`;
    } catch {
      return `${codec}: none`;
    }
  });
  const hardware = [...info.encoders].filter((name) => /_(nvenc|qsv|vaapi|amf|videotoolbox)$/.test(name));
  return [
    { what: 'ffmpeg', ok: true, detail: info.version, required: true },
    { what: 'encoders', ok: true, detail: encoders.join(', '), required: false },
    { what: 'hardware encoders', ok: true, detail: hardware.join(', ') || 'none in this ffmpeg', required: false },
    { what: 'hardware decoders', ok: true, detail: hwaccels.join(', ') || 'none in this ffmpeg', required: false },
  ];
}

async function modelFindings(signal: AbortSignal): Promise<Finding[]> {
  const models = await listModels();
  return Promise.all(
    models.map(async ({ name, scale }): Promise<Finding> => {
      try {
        await resolveModel(name, signal);
        return { what: 'model', ok: true, detail: `${name}, x${scale}`, required: false };
      } catch (error) {
        const { message, hint } = toTinySRError(error);
        return { what: 'model', ok: false, detail: message, advice: hint, required: name === DEFAULT_MODEL };
      }
    }),
  );
}

/** Codes of what is missing beside programs. */
const MISSING_CODES: Readonly<Record<string, ErrorCode>> = {
  device: 'TSR_DEVICE_UNAVAILABLE',
  model: 'TSR_MODEL_CHECKSUM',
};

async function deviceFindings(signal: AbortSignal): Promise<Finding[]> {
  const model = await resolveModel(DEFAULT_MODEL, signal);
  const findings: Finding[] = [];
  for (const provider of DEVICES.filter((device): device is Provider => device !== 'auto')) {
    const { usable, runMs, reason, hint } = await probeDevice(model, provider, signal);
    const relevant = usable || provider === 'webgpu' || (provider === 'cuda' && hasNvidiaGpu());
    findings.push({
      what: 'device',
      ok: usable,
      detail: usable
        ? `${provider}, right result on the probe frame in ${runMs?.toFixed(1)} ms`
        : `${provider}: ${reason}`,
      advice: relevant ? hint : undefined,
      required: provider === 'cpu',
    });
  }
  return findings;
}

/** Whether the relay can run; nothing else needs mediasoup. */
async function relayFinding(): Promise<Finding> {
  try {
    const mediasoup = await loadMediasoup();
    const worker = await startWorker(mediasoup);
    worker.close();
    return { what: 'relay', ok: true, detail: `mediasoup ${mediasoup.version}, its worker starts`, required: false };
  } catch (error) {
    const { message, hint } = toTinySRError(error);
    return { what: 'relay', ok: false, detail: message, advice: hint, required: false };
  }
}

/** Says what this machine has, and what to do about what is missing. @throws TinySRError when nothing would work */
export async function doctorCommand({ json }: { readonly json?: boolean }, signal: AbortSignal): Promise<void> {
  const machine: Finding = {
    what: 'machine',
    ok: true,
    detail: `${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB memory`,
    required: false,
  };
  const [ffmpeg, models, devices, relay] = await Promise.all([
    ffmpegFindings(),
    modelFindings(signal),
    deviceFindings(signal),
    relayFinding(),
  ]);
  const findings = [machine, nodeFinding(), ...ffmpeg, ...models, ...devices, relay];
  if (json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
  else {
    const rows = findings.map(({ what, ok, detail, required }) => [
      ok ? 'ok' : required ? 'MISSING' : '-',
      what,
      detail,
    ]);
    process.stdout.write(`${table(rows)}\n`);
    const advice = findings.flatMap((finding) =>
      finding.advice ? [`${finding.detail.split(':')[0]}: ${finding.advice}`] : [],
    );
    if (advice.length) process.stdout.write(`\nWhat to do:\n${advice.map((line) => `  ${line}`).join('\n')}\n`);
  }
  const missing = findings.find(({ ok, required }) => required && !ok);
  if (missing)
    throw new TinySRError(
      MISSING_CODES[missing.what] ?? 'TSR_FFMPEG_MISSING',
      `${missing.what}: ${missing.detail}`,
      missing.advice ? { hint: missing.advice } : {},
    );
}
