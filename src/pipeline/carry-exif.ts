import { nameError } from '../encode/part.js';
import { holdsExif, insertExif } from '../encode/pictures/insert-exif.js';
import { uprightExif } from '../encode/pictures/upright-exif.js';
import type { EncodePlan } from '../encode/plan.js';
import { readExif } from '../shared/pictures/exif.js';

/**
 * Carries over what a picture says of itself: camera, time, place (Exif).
 *
 * @param target the finished picture, under the name that it has yet
 * @returns warnings
 * @throws TinySRError `TSR_OUTPUT_DISK_FULL`, `TSR_OUTPUT_UNWRITABLE`
 */
export async function carryExif(plan: EncodePlan, target: string): Promise<string[]> {
  const { source, pictures, output } = plan;
  if (!source.pictures || source.pictures.sequence || !pictures || pictures.pattern) return [];
  // A picture that went meanwhile has been upscaled all the same.
  const found = await readExif(source.path, source.pictures.kind).catch(() => undefined);
  if (!found) return [];
  const { format } = pictures;
  const { name } = format;
  if (!holdsExif(format))
    return [`camera, time and place (Exif) are dropped: ${name} is given none, PNG, JPEG and WebP are`];
  const exif = uprightExif(found, plan);
  if (!exif) return ['camera, time and place (Exif) are dropped: they cannot be read'];
  const fits = await insertExif(target, format, exif, plan).catch((cause: NodeJS.ErrnoException) => {
    throw nameError(output, cause, false);
  });
  return fits ? [] : [`camera, time and place (Exif) are dropped: ${exif.length} bytes are more than ${name} holds`];
}
