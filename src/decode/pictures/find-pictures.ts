import { stat } from 'node:fs/promises';
import { TinySRError } from '../../shared/errors.js';
import type { PictureSequence } from '../../shared/media.js';
import { parsePattern, pathOf } from '../../shared/pattern.js';
import { lookAtPicture, type PictureKind } from './kinds.js';
import { findSequence } from './sequence.js';

/** Pictures that a path names. */
export interface FoundPictures {
  /** As it was given. */
  readonly path: string;
  /** The picture, or the first of the sequence. */
  readonly file: string;
  readonly kind: PictureKind;
  readonly sequence: PictureSequence | undefined;
}

async function kindOf(file: string, path: string): Promise<PictureKind | undefined> {
  // What cannot be opened or is no file is told by whoever probes it.
  const { kind, animatedWebp } = await lookAtPicture(file).catch(() => ({ kind: undefined, animatedWebp: false }));
  if (!animatedWebp) return kind;
  throw new TinySRError('TSR_INPUT_INVALID', `${path}: an animated WebP, which ffmpeg does not read`, {
    hint: 'Convert it to APNG, GIF or a video first.',
  });
}

/**
 * The pictures that a path names, by what the files are: a file by its first bytes, a pattern by its numbers.
 *
 * @returns undefined for what is to be read as a media file
 * @throws TinySRError `TSR_INPUT_NOT_FOUND`, `TSR_INPUT_SEQUENCE`, `TSR_INPUT_INVALID`
 */
export async function findPictures(path: string): Promise<FoundPictures | undefined> {
  const existing = await stat(path).catch(() => undefined);
  if (existing) {
    const kind = existing.isFile() ? await kindOf(path, path) : undefined;
    return kind && { path, file: path, kind, sequence: undefined };
  }
  const pattern = parsePattern(path);
  if (!pattern) return undefined;
  const sequence = await findSequence(pattern);
  const file = pathOf(pattern, sequence.first);
  const kind = await kindOf(file, file);
  if (kind) return { path, file, kind, sequence };
  throw new TinySRError('TSR_INPUT_INVALID', `${file}: not a picture that can be read`, {
    hint: 'A pattern names pictures; several videos are upscaled with --out-dir.',
  });
}
