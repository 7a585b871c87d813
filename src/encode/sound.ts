import type { EncodePlan } from './plan.js';

/**
 * Whether sound that is converted is read by an input of its own. No header can be written before its encoder has seen
 * a first packet: all that another track of the same input has until then would be kept in memory, hours of it where
 * the sound begins late. Tracks that nobody maps are passed over, so this input keeps nothing.
 */
export function hasSoundInput({ streams, compare }: EncodePlan): boolean {
  const carried = streams.filter(({ fate }) => fate !== undefined);
  const converted = carried.filter(isConvertedSound);
  return converted.length > 0 && (compare || carried.length > converted.length);
}

/** Whether a track is sound that is encoded anew. */
export function isConvertedSound({ type, fate }: EncodePlan['streams'][number]): boolean {
  return type === 'audio' && fate !== undefined && fate !== 'copy';
}

/** Seconds from the output's zero at which a part of the video ends; undefined: the video goes to its end. */
export function lengthOf({ source, end, zero }: EncodePlan): number | undefined {
  return end === undefined ? undefined : source.startTime + end - zero;
}

/** What sound goes through that is encoded anew. */
export function soundFilters(plan: EncodePlan, fate: string): string[] {
  if (fate === 'copy') return [];
  const { audioEncoder, audioLayouts } = plan.container;
  const end = lengthOf(plan);
  return [
    // What lies between the key frame before the start and the start: time 0 is the output's first.
    ...(plan.start === undefined ? [] : ['atrim=start=0']),
    // `-t` counts from the sound's own beginning, which may come late or after the part has ended.
    ...(end === undefined ? [] : [`atrim=end=${end.toFixed(6)}`]),
    ...(fate.startsWith('pcm_') ? ['aresample=async=1'] : []),
    ...(fate === audioEncoder && audioLayouts ? [`aformat=channel_layouts=${audioLayouts}`] : []),
  ];
}
