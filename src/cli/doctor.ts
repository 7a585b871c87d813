import { availableParallelism, totalmem } from 'node:os';
import { CODECS, chooseEncoder } from '../encode/codecs.js';
import { listModels } from '../infer/manifest.js';
import { hasNvidiaGpu, probeDevice } from '../infer/providers.js';
import { DEFAULT_MODEL, resolveModel } from '../infer/resolve-model.js';
import { DEVICES, type Model, type Provider } from '../infer/types.js';
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

/** A finding, and the code of what is missing: not printed. */
interface Found {
  readonly finding: Finding;
  /** Undefined where nothing is missing, or nothing that is required. */
  readonly code?: ErrorCode | undefined;
}

/** What an error tells of something that is missing. */
function lacking(what: string, error: unknown, required: boolean): Found {
  const { message, hint, code } = toTinySRError(error);
  return { finding: { what, ok: false, detail: message, advice: hint, required }, code };
}

/** Something that is there. */
function present(what: string, detail: string, required = false): Found {
  return { finding: { what, ok: true, detail, required } };
}

function nodeFinding(): Found {
  const ok = nodeIsRecentEnough(process.versions.node);
  const detail = `${process.version} on ${process.platform} ${process.arch}`;
  if (ok) return present('node', detail, true);
  const advice = 'Install Node.js 20.19 or newer.';
  return { finding: { what: 'node', ok, detail, advice, required: true }, code: 'TSR_NODE_TOO_OLD' };
}

async function ffmpegFindings(): Promise<Found[]> {
  let info: FfmpegInfo;
  let hwaccels: string[];
  try {
    [info, hwaccels] = await Promise.all([requireFfmpeg(), listHwaccels(), requireFfprobe()]);
  } catch (error) {
    return [lacking('ffmpeg', error, true)];
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
    present('ffmpeg', info.version, true),
    present('encoders', encoders.join(', ')),
    present('hardware encoders', hardware.join(', ') || 'none in this ffmpeg'),
    present('hardware decoders', hwaccels.join(', ') || 'none in this ffmpeg'),
  ];
}

/** What models there are, and one that is whole, to try devices with; undefined when none is. */
async function modelFindings(signal: AbortSignal): Promise<{ findings: Found[]; whole: Model | undefined }> {
  let whole: Model | undefined;
  const find = async ({ name, scale }: Model): Promise<Found> => {
    try {
      const model = await resolveModel(name, signal);
      if (name === DEFAULT_MODEL) whole = model;
      whole ??= model;
      return present('model', `${name}, x${scale}`);
    } catch (error) {
      return lacking('model', error, name === DEFAULT_MODEL);
    }
  };
  try {
    const findings = await Promise.all((await listModels()).map(find));
    return { findings, whole };
  } catch (error) {
    return { findings: [lacking('model', error, true)], whole };
  }
}

async function deviceFindings(model: Model | undefined, signal: AbortSignal): Promise<Found[]> {
  // What the models lack is told already.
  if (!model) return [{ finding: { what: 'device', ok: false, detail: 'not tried without a model', required: false } }];
  const findings: Found[] = [];
  for (const provider of DEVICES.filter((device): device is Provider => device !== 'auto')) {
    const { usable, runMs, reason, hint } = await probeDevice(model, provider, signal);
    const relevant = usable || provider === 'webgpu' || (provider === 'cuda' && hasNvidiaGpu());
    const finding = {
      what: 'device',
      ok: usable,
      detail: usable
        ? `${provider}, right result on the probe frame in ${runMs?.toFixed(1)} ms`
        : `${provider}: ${reason}`,
      advice: relevant ? hint : undefined,
      required: provider === 'cpu',
    };
    findings.push({ finding, code: 'TSR_DEVICE_UNAVAILABLE' });
  }
  return findings;
}

/** Whether the relay can run; nothing else needs mediasoup. */
async function relayFinding(): Promise<Found> {
  try {
    const mediasoup = await loadMediasoup();
    const worker = await startWorker(mediasoup);
    worker.close();
    return present('relay', `mediasoup ${mediasoup.version}, its worker starts`);
  } catch (error) {
    return lacking('relay', error, false);
  }
}

/** Says what this machine has, and what to do about what is missing. @throws TinySRError when nothing would work */
export async function doctorCommand({ json }: { readonly json?: boolean }, signal: AbortSignal): Promise<void> {
  const size = `${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB memory`;
  const [ffmpeg, models, relay] = await Promise.all([
    ffmpegFindings(),
    modelFindings(signal).then(async ({ findings, whole }) => [...findings, ...(await deviceFindings(whole, signal))]),
    relayFinding(),
  ]);
  const found = [present('machine', size), nodeFinding(), ...ffmpeg, ...models, relay];
  const findings = found.map(({ finding }) => finding);
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
  const missing = found.find(({ finding: { ok, required } }) => required && !ok);
  if (!missing) return;
  const { what, detail, advice } = missing.finding;
  throw new TinySRError(
    missing.code ?? 'TSR_INTERNAL',
    detail.startsWith(what) ? detail : `${what}: ${detail}`,
    advice ? { hint: advice } : {},
  );
}
