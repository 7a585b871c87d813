import { nameError } from '../encode/part.js';
import type { PictureFormat } from '../encode/pictures/formats.js';
import { insertProfile } from '../encode/pictures/insert-profile.js';
import type { Size } from '../encode/pictures/webp.js';
import type { EncodePlan } from '../encode/plan.js';
import type { MediaInfo } from '../shared/media.js';
import { pathOf } from '../shared/pattern.js';
import { profileSpace, readProfile } from '../shared/pictures/profile.js';
import { profileWarnings } from './profile-plan.js';

const LOST = 'the colour profile is dropped, so colours may look different: the source went';

/** A finished picture. */
interface Finished extends Size {
  readonly format: PictureFormat;
  /** Its file, under the name that it has yet. */
  readonly target: string;
  /** What the user calls it, for messages. */
  readonly output: string;
}

/** A picture that went meanwhile has been upscaled all the same. */
const profileOf = (path: string, kind: string) => readProfile(path, kind).catch(() => undefined);

async function insertInto({ target, output, format, ...size }: Finished, profile: Buffer): Promise<void> {
  await insertProfile(target, format, profile, size).catch((cause: NodeJS.ErrnoException) => {
    throw nameError(output, cause, false);
  });
}

/**
 * Carries over the colour profile of a picture into one whose encoder writes none.
 *
 * @param target the finished picture, under the name that it has yet
 * @returns warnings
 * @throws TinySRError `TSR_OUTPUT_DISK_FULL`, `TSR_OUTPUT_UNWRITABLE`
 */
export async function carryProfile(plan: EncodePlan, target: string): Promise<string[]> {
  const { source, pictures, output, width, height } = plan;
  if (!source.pictures || pictures?.profile !== 'inserted') return [];
  const profile = await profileOf(source.path, source.pictures.kind);
  if (!profile) return [LOST];
  await insertInto({ target, output, format: pictures.format, width, height }, profile);
  return [];
}

/**
 * Carries over the colour profile of a picture into its preview, whose colours are RGB.
 *
 * @param frame number of the picture, from 0
 * @returns warnings
 * @throws TinySRError `TSR_OUTPUT_DISK_FULL`, `TSR_OUTPUT_UNWRITABLE`
 */
export async function carryPreviewProfile(
  { path, pictures }: MediaInfo,
  frame: number,
  preview: Finished,
): Promise<string[]> {
  if (!pictures) return [];
  const { sequence, kind } = pictures;
  // Each of a row may have another one, or none.
  const profile = await profileOf(sequence ? pathOf(sequence.pattern, sequence.first + frame) : path, kind);
  const space = profile ? profileSpace(profile) : sequence ? undefined : pictures.profile;
  if (space !== 'RGB') {
    const target = { format: preview.format, pattern: undefined };
    return profileWarnings({ ...pictures, profile: space }, target, undefined, 'a preview');
  }
  if (!profile) return [LOST];
  await insertInto(preview, profile);
  return [];
}
