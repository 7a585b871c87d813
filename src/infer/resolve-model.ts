import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { requirePath, requireSignal } from '../shared/check-options.js';
import { TinySRError } from '../shared/errors.js';
import { inspectModel } from './foreign.js';
import { listModels } from './manifest.js';
import type { Model, PublishedFile } from './types.js';

/** Model used when none is named. */
export const DEFAULT_MODEL = 'tinysr-nano';

/** @throws TinySRError `TSR_MODEL_CHECKSUM` when a shipped file is not the one of the manifest */
async function verifyChecksum({ file, sha256 }: PublishedFile): Promise<void> {
  const data = await readFile(file).catch(() => undefined);
  const sum = data && createHash('sha256').update(data).digest('hex');
  if (sum === sha256) return;
  throw new TinySRError(
    'TSR_MODEL_CHECKSUM',
    `${basename(file)}: ${data ? 'not the file that was published' : 'missing from this installation'}`,
    { hint: 'Install tinysr-video again.' },
  );
}

/** Every file of a model once: graphs, and the weights that several of them share. */
function publishedFiles({ variants }: Model): PublishedFile[] {
  const files = variants.flatMap(({ file, sha256, weights }) => [
    ...(sha256 ? [{ file, sha256 }] : []),
    ...(weights ? [weights] : []),
  ]);
  return [...new Map(files.map((entry) => [entry.file, entry])).values()];
}

/**
 * Finds a model by the name of one that ships or by the path of an ONNX file, and checks it.
 *
 * @throws TinySRError `TSR_MODEL_NOT_FOUND`, `TSR_MODEL_CHECKSUM`, `TSR_MODEL_INVALID`, `TSR_MODEL_UNSUPPORTED`; `TSR_USAGE`
 * for what is no name; `TSR_INTERRUPTED`
 */
export async function resolveModel(nameOrFile: string, signal?: AbortSignal): Promise<Model> {
  requirePath(nameOrFile, "For example: await resolveModel('tinysr-nano').");
  requireSignal(signal, 'names.map((name) => resolveModel(name))');
  const shipped = await listModels();
  const known = shipped.find((model) => model.name === nameOrFile);
  if (known) {
    await Promise.all(publishedFiles(known).map(verifyChecksum));
    return known;
  }
  const file = await stat(nameOrFile).catch(() => undefined);
  if (!file?.isFile()) {
    throw new TinySRError(
      'TSR_MODEL_NOT_FOUND',
      `${nameOrFile}: ${file ? 'not a file' : 'no such model and no such file'}`,
      {
        hint: `Models that ship: ${shipped.map((model) => model.name).join(', ')}; or give the path of an .onnx file.`,
      },
    );
  }
  return inspectModel(resolve(nameOrFile), signal);
}
