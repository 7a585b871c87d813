import type { MediaInfo } from '../shared/media.js';
import type { EncodePlan } from './plan.js';

/** What decides whether an output can say how the two views of a 3D picture lie. */
type Output = Pick<EncodePlan, 'container' | 'encoder' | 'compare'> & { readonly source: MediaInfo };

/** Arrangements that stay what they are when the picture grows: Matroska's names, left view first and right view first, … */
const TAGS: Readonly<Record<string, readonly [string, string]>> = {
  'side by side': ['left_right', 'right_left'],
  'top and bottom': ['top_bottom', 'bottom_top'],
  'frame alternate': ['block_lr', 'block_rl'],
};
/** … and H.264's numbers, by which x264 knows the left view first only. */
const FRAME_PACKING: Readonly<Record<string, number>> = {
  'side by side': 3,
  'top and bottom': 4,
  'frame alternate': 5,
};

/** The muxer's tag, where the container has one. */
function tagOf({ source, container: { muxer }, compare }: Output): string | undefined {
  const { stereo, rotation } = source.video;
  // Turned by a quarter, what was side by side is no more.
  if (!stereo || compare || rotation !== 0 || (muxer !== 'matroska' && muxer !== 'webm')) return undefined;
  const tag = TAGS[stereo.arrangement]?.[stereo.inverted ? 1 : 0];
  // WebM knows no others, and ffmpeg would refuse the whole output.
  return muxer === 'webm' && stereo.arrangement === 'frame alternate' ? undefined : tag;
}

/** The number in H.264's own message, for containers without a tag. */
function packingOf({ source, container: { muxer }, encoder, compare }: Output): number | undefined {
  const { stereo, rotation } = source.video;
  if (!stereo || stereo.inverted || compare || rotation !== 0 || encoder !== 'libx264') return undefined;
  return muxer === 'matroska' || muxer === 'webm' ? undefined : FRAME_PACKING[stereo.arrangement];
}

/** Options of the muxer that say how the views lie; a tag that is no longer right goes. */
export function stereoTag(plan: EncodePlan): string[] {
  return plan.source.video.stereo ? ['-metadata:s:v:0', `stereo_mode=${tagOf(plan) ?? ''}`] : [];
}

/** Options of the encoder that say it in the picture. */
export function stereoMessage(plan: EncodePlan): string[] {
  const packing = packingOf(plan);
  return packing === undefined ? [] : ['-x264-params', `frame-packing=${packing}`];
}

/** Told where an output cannot say that it is 3D, or is no longer. */
export function stereoWarning(output: Output): string[] {
  const { stereo } = output.source.video;
  if (!stereo || tagOf(output) !== undefined || packingOf(output) !== undefined) return [];
  const what = `3D (${stereo.arrangement}${stereo.inverted ? ', right view first' : ''})`;
  if (output.compare) return [`${what}: the comparison is not marked as 3D`];
  if (!(stereo.arrangement in TAGS)) return [`${what}: no longer marked as 3D, upscaling mixes the two views`];
  return [`${what}: no longer marked as 3D; Matroska (.mkv) can say it`];
}
