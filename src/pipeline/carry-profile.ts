import { readProfile } from '../decode/pictures/profile.js';
import { nameError } from '../encode/part.js';
import { insertProfile } from '../encode/pictures/insert-profile.js';
import type { EncodePlan } from '../encode/plan.js';

/**
 * Carries over the colour profile of a picture into one whose encoder writes none.
 *
 * @param target the finished picture, under the name that it has yet
 * @returns warnings
 * @throws TinySRError `TSR_OUTPUT_DISK_FULL`, `TSR_OUTPUT_UNWRITABLE`
 */
export async function carryProfile(plan: EncodePlan, target: string): Promise<string[]> {
  const { source, pictures, output } = plan;
  if (!source.pictures || pictures?.profile !== 'inserted') return [];
  // A picture that went meanwhile has been upscaled all the same.
  const profile = await readProfile(source.path, source.pictures.kind).catch(() => undefined);
  if (!profile) return ['the colour profile is dropped, so colours may look different: the source went'];
  await insertProfile(target, pictures.format, profile, plan).catch((cause: NodeJS.ErrnoException) => {
    throw nameError(output, cause, false);
  });
  return [];
}
