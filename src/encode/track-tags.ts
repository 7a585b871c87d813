import { languageFor } from './languages.js';
import type { EncodePlan } from './plan.js';

/** Bytes of a handler's name. mov writes its length in one byte, which ffmpeg's reader takes for a signed one. */
const LONGEST_NAME = { mov: 127, mp4: 1023 };

/** A title cut to the bytes that it may have, whole characters. */
function cutTo(longest: number, title: string): string {
  let name = title.slice(0, longest);
  while (Buffer.byteLength(name) > longest) name = [...name].slice(0, -1).join('');
  return name;
}

/**
 * Language and title of an output's track, where the muxer would not take them over by itself: mov knows languages by
 * other codes, and ffmpeg writes titles to neither mov nor mp4. Players show the handler's name there.
 */
export function trackTags(
  { container: { muxer } }: EncodePlan,
  output: number,
  { language, title }: { readonly language: string | undefined; readonly title: string | undefined },
): string[] {
  const code = languageFor(muxer, language);
  return [
    ...(code ? [`-metadata:s:${output}`, `language=${code}`] : []),
    ...(title && (muxer === 'mp4' || muxer === 'mov')
      ? [`-metadata:s:${output}`, `handler_name=${cutTo(LONGEST_NAME[muxer], title)}`]
      : []),
  ];
}
