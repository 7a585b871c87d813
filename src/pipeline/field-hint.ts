import { lookForFields, mayBeWoven } from '../decode/field-look.js';
import type { MediaInfo } from '../shared/media.js';
import { pulldownOf } from '../shared/pulldown.js';
import type { UpscaleVideoOptions } from './options.js';
import type { VideoPlan } from './plan.js';

/** Where in the part that is upscaled to look: tapes and broadcasts begin with titles, black or noise. */
const PLACE = 1 / 3;
/** Seconds that must follow: what is looked at, and a little where a seek misses. */
const ROOM = 4;

/** Seconds from the file's start at which to look. */
function placeIn({ duration }: MediaInfo, { start = 0, end }: UpscaleVideoOptions): number {
  const length = Math.min(end ?? Number.POSITIVE_INFINITY, duration ?? start) - start;
  return start + Math.max(0, Math.min(PLACE * length, length - ROOM));
}

/**
 * What the user should know when pictures look other than the file says. Nothing is done otherwise for it: a look at a few
 * seconds can be wrong.
 *
 * @returns undefined where there is nothing to say, where the user has said it, and where it cannot be looked
 */
export async function fieldHint(
  { decode: { info, deinterlacing } }: VideoPlan,
  options: UpscaleVideoOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { deinterlace, fieldOrder = 'auto' } = options;
  if (deinterlace === 'off' || fieldOrder !== 'auto' || !mayBeWoven(info.video)) return undefined;
  // One picture has no movement to be seen by.
  if (info.pictures && !info.pictures.sequence) return undefined;
  const look = await lookForFields(info, placeIn(info, options), signal).catch(() => undefined);
  if (look?.seen === undefined || signal.aborted) return undefined;
  const { seen, marked, film } = look;
  const order = seen === 'bottom' ? ' --field-order bottom' : '';
  if (film && deinterlace !== 'film' && pulldownOf(info.video)) {
    return `looks like film whose fields were repeated for television (telecine): try --deinterlace film${marked === seen ? '' : order}, which makes its own pictures of them`;
  }
  if (!deinterlacing || (deinterlacing.which === 'marked' && marked === undefined)) {
    return `looks interlaced, though its frames are not marked so: try --deinterlace frame${order}`;
  }
  const said = deinterlacing.firstField === 'auto' ? marked : deinterlacing.firstField;
  const taken = said ?? 'top';
  if (seen === taken) return undefined;
  return `looks as if the ${seen} field came first, not the ${taken} one: try --field-order ${seen}`;
}
