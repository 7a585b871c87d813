import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Model } from '../../infer/types.js';
import { requireFfmpeg } from '../../shared/ffmpeg.js';
import type { PictureSequence } from '../../shared/media.js';
import { packageVersion } from '../../shared/package-version.js';
import { nameOf, pathOf } from '../../shared/pattern.js';
import type { UpscaleVideoOptions } from '../options.js';
import type { VideoPlan } from '../plan.js';

/** Bytes at each end of the source that are looked at: enough to tell files apart, whatever their length. */
const ENDS_BYTES = 1 << 20;

async function endsOf(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    for (const position of [0, Math.max(0, bytes - ENDS_BYTES)]) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(ENDS_BYTES), 0, ENDS_BYTES, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

async function sumOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** Sums of all files of a model; those that ship were checked against theirs already. */
async function modelSum({ variants }: Model): Promise<string> {
  const sums = variants.map(async ({ file, sha256, weights }) => [sha256 ?? (await sumOf(file)), weights?.sha256]);
  return createHash('sha256')
    .update(JSON.stringify(await Promise.all(sums)))
    .digest('hex');
}

/** What tells numbered pictures from others: each one's name, size and date. */
async function listOf({ pattern, first, count }: PictureSequence): Promise<string> {
  const hash = createHash('sha256');
  for (let index = 0; index < count; index += 1) {
    const { size, mtimeMs } = await stat(pathOf(pattern, first + index));
    hash.update(`${nameOf(pattern, first + index)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** What a source was when its pictures were made, by name. */
async function ofSource(path: string, sequence: PictureSequence | undefined): Promise<Record<string, string | number>> {
  if (sequence) {
    const { first, count } = sequence;
    return { 'pictures of the source': `${count} from ${first} on`, 'content of the source': await listOf(sequence) };
  }
  const { size, mtimeMs } = await stat(path);
  return {
    'size of the source': size,
    'date of the source': new Date(mtimeMs).toISOString(),
    'content of the source': await endsOf(path, size),
  };
}

/**
 * All that decides what the picture and the tracks become, by names that a user knows. What decides how fast it goes only
 * (device, threads, batch) may change from run to run.
 */
export async function fingerprint(options: UpscaleVideoOptions, plan: VideoPlan): Promise<Record<string, string>> {
  const { model, decode, encode } = plan;
  const { sequence } = encode.source.pictures ?? {};
  // A sidecar may say otherwise of the same file.
  const { contract } = model.variants[0] ?? {};
  const [source, ffmpeg, sum] = await Promise.all([
    ofSource(options.input, sequence),
    requireFfmpeg(),
    modelSum(model),
  ]);
  const said: Record<string, string | number | undefined> = {
    ...source,
    'version of tinysr-video': packageVersion(),
    'version of ffmpeg': ffmpeg.version,
    '--compare': options.compare ? 'given' : undefined,
    '--model': model.name,
    'content of the model': sum,
    'channels and white of the model': contract && `${contract.channels} ${contract.range}`,
    '--precision': options.precision,
    'size of the picture': `${encode.width}x${encode.height}`,
    'format of the frames': decode.format,
    container: encode.container.muxer,
    '--codec': encode.codec,
    '--encoder': encode.encoder,
    '--crf': encode.crf,
    '--preset': encode.preset,
    '--pix-fmt': encode.pixelFormat,
    '--ffmpeg-arg': encode.extra.length ? encode.extra.join(' ') : undefined,
    '--steady': encode.steady,
    '--deinterlace': options.deinterlace ?? 'auto',
    '--field-order': options.fieldOrder ?? 'auto',
    '--start': options.start,
    '--end': options.end,
    '--frames': options.frames,
    // Sources that have their own rate need no name for it, and manifests of earlier versions have none.
    ...(options.fps === undefined ? {} : { '--fps': options.fps }),
  };
  return Object.fromEntries(Object.entries(said).map(([name, value]) => [name, String(value ?? 'not given')]));
}

/** What is not as it was, each in words; sums mean nothing to people. */
export function changes(before: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  // An earlier version may have had fewer options.
  const said = (of: Readonly<Record<string, string>>, name: string) => of[name] ?? 'not given';
  return names
    .filter((name) => said(before, name) !== said(now, name))
    .map((name) => (name.startsWith('content') ? name : `${name} (was ${said(before, name)}, is ${said(now, name)})`));
}
