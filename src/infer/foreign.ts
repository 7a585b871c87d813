import { open, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { runChild } from '../shared/child.js';
import { TinySRError } from '../shared/errors.js';
import { throwIfStopped } from '../shared/stopped.js';
import type { Inspection, InspectionRequest } from './inspect-model.js';
import { loadingHint } from './runtime-words.js';
import type { Model } from './types.js';

/** What a JSON file beside a model (`model.onnx.json`) may say; it overrides what inspection found. */
const sidecar = z.strictObject({
  name: z.string().max(100).optional(),
  scale: z.literal([2, 3, 4]).optional(),
  layout: z.enum(['nchw', 'nhwc']).optional(),
  range: z.literal([1, 255]).optional(),
  channels: z.enum(['rgb', 'bgr', 'grey']).optional(),
  multiple: z.number().int().min(1).max(256).optional(),
  tile: z.number().int().min(16).max(4096).optional(),
  receptiveRadius: z.number().int().min(0).max(1024).optional(),
  finish: z
    .string()
    .regex(/^[\w.-]+\.onnx$/, 'must be the name of an .onnx file in the same folder')
    .optional(),
  licence: z.string().max(200).optional(),
});

/** The fields of a sidecar file. */
export type Sidecar = z.infer<typeof sidecar>;

/** What is wrong with a sidecar, and where in it. */
function sidecarFault(cause: unknown): string {
  if (!(cause instanceof z.ZodError)) return 'not JSON';
  const [issue] = cause.issues;
  const field = issue?.path.join('.');
  return `${field ? `${field}: ` : ''}${issue?.message}`;
}

async function readSidecar(file: string): Promise<Sidecar> {
  const path = `${file}.json`;
  const invalid = (detail: string, cause: unknown) =>
    new TinySRError('TSR_MODEL_INVALID', `${path}: ${detail}`, {
      hint: 'docs/models.md lists the fields a sidecar may have.',
      cause,
    });
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    // Without it the model might run, and wrongly.
    throw invalid(`cannot be read: ${error.code}`, error);
  });
  if (text === undefined) return {};
  try {
    // Editors of Windows put a byte order mark in front.
    return sidecar.parse(JSON.parse(text.replace(/^\uFEFF/, '')));
  } catch (cause) {
    throw invalid(sidecarFault(cause), cause);
  }
}

/** Refuses at once what cannot be a protobuf of an ONNX model, so that a film given as a model is not loaded whole. */
async function looksLikeOnnx(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    // Field 1 (ir_version, varint) comes first in every writer there is; field 2..8 are allowed by the format.
    const first = buffer[0] ?? 0;
    return bytesRead === 2 && first >> 3 >= 1 && first >> 3 <= 25 && [0, 2].includes(first & 7);
  } finally {
    await handle.close();
  }
}

/** Longest time that a model may take to load and run on small frames. */
const INSPECTION_MS = 300_000;

/** A protobuf, which an ONNX file is, ends before this many bytes. */
const MOST_BYTES = 2 ** 31;

async function inspect(request: InspectionRequest, signal?: AbortSignal): Promise<Inspection> {
  const script = fileURLToPath(new URL('./inspect-model.js', import.meta.url));
  const started = performance.now();
  const child = await runChild(process.execPath, [script, JSON.stringify(request)], {
    signal,
    timeoutMs: INSPECTION_MS,
  });
  throwIfStopped(signal, 'stopped while loading the model');
  try {
    return JSON.parse(child.stdout.toString()) as Inspection;
  } catch {
    if (performance.now() - started >= INSPECTION_MS) {
      const reason = `small pictures took longer than ${INSPECTION_MS / 1000} s`;
      return { kind: 'unsupported', reason, hint: 'It is too slow for this machine.' };
    }
    return { kind: 'invalid', reason: `the runtime ended with ${child.signal ?? `exit status ${child.code}`}` };
  }
}

/**
 * Loads a user's ONNX file, runs it on small frames and says what it is: scale, layout, type, value range, whether
 * it is grey, the multiple its sides must have, or its fixed size. A sidecar `FILE.json` overrides.
 *
 * @throws TinySRError `TSR_MODEL_INVALID` when it does not load, `TSR_MODEL_UNSUPPORTED` when it is no upscaler of RGB or grey pictures
 */
export async function inspectModel(file: string, signal?: AbortSignal): Promise<Model> {
  const said = await readSidecar(file);
  const invalid = (reason: string) =>
    new TinySRError('TSR_MODEL_INVALID', `${file}: cannot be loaded as an ONNX model (${reason})`, {
      hint: loadingHint(reason),
    });
  const fits = await looksLikeOnnx(file).catch((error: NodeJS.ErrnoException) => {
    throw invalid(error.code === 'EACCES' ? 'no permission to read it' : `cannot be read: ${error.code}`);
  });
  if (!fits) throw invalid('not an ONNX file');
  if ((await stat(file)).size >= MOST_BYTES) {
    throw new TinySRError('TSR_MODEL_INVALID', `${file}: has more than 2 GiB, which no ONNX file can`, {
      hint: 'Keep its weights in a file beside it (external data), as torch.onnx.export does on its own for such models.',
    });
  }
  const { layout, range, channels, multiple } = said;
  // What is undefined does not cross as JSON.
  const found = await inspect({ file, known: { layout, range, channels, multiple } }, signal);
  if (found.kind === 'invalid') throw invalid(found.reason);
  const unsupported = (reason: string, hint?: string) =>
    new TinySRError('TSR_MODEL_UNSUPPORTED', `${file}: ${reason}`, {
      hint:
        hint ?? 'An x2, x3 or x4 model with one RGB or grey image in and one out is needed; docs/models.md says more.',
    });
  if (found.kind === 'unsupported') throw unsupported(found.reason, found.hint);
  if (said.scale !== undefined && said.scale !== found.scale) {
    throw unsupported(`it enlarges x${found.scale}, but its sidecar says x${said.scale}`);
  }
  const finish = said.finish && join(dirname(file), said.finish);
  if (finish && !(await looksLikeOnnx(finish).catch(() => false))) {
    throw invalid(`${said.finish}, which its sidecar names, is missing or not an ONNX file`);
  }
  const graph = { file, precision: found.precision, contract: found.contract, finish };
  const formats = found.contract.type === 'uint8' ? (['rgb24'] as const) : (['rgb24', 'rgb48le'] as const);
  return {
    name: said.name ?? basename(file, '.onnx'),
    scale: found.scale,
    multiple: said.multiple ?? found.multiple,
    batch: found.batch,
    // A square has one number, as in sidecars.
    tile: found.tile?.width === found.tile?.height ? (found.tile?.width ?? said.tile) : found.tile,
    receptiveRadius: said.receptiveRadius,
    licence: said.licence,
    variants: formats.map((format) => ({ ...graph, format })),
  };
}
