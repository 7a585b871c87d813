import type { MediaInfo, OtherStream } from '../shared/media.js';
import { type Container, type Fate, fateOf } from './containers.js';
import { lostMarks } from './dispositions.js';

/** A stream carried along. */
export interface CarriedStream {
  readonly index: number;
  readonly type: OtherStream['type'];
  readonly codec: string;
  readonly fate: Fate;
}

function describe(stream: OtherStream): string {
  const language = stream.language && stream.language !== 'und' ? ` (${stream.language})` : '';
  return `${stream.type} track ${stream.index}, ${stream.codec}${language}`;
}

/**
 * PCM in mov is one run of samples: behind a gap, all sound would come too early, as with ffmpeg's own copy. It is written
 * anew, sample for sample, with silence in the gaps. Sources of the same kind can have none.
 */
function fateIn(source: MediaInfo, stream: OtherStream, container: Container): Fate {
  const fate = fateOf(stream, container);
  const losesGaps = fate === 'copy' && container.muxer === 'mov' && stream.codec.startsWith('pcm_');
  return losesGaps && !source.format.startsWith('mov') ? stream.codec : fate;
}

/**
 * Decides what becomes of every track but the picture.
 *
 * @returns the tracks and a warning for each that is converted or dropped, or loses what it was marked as
 */
export function planStreams(source: MediaInfo, container: Container): { streams: CarriedStream[]; warnings: string[] } {
  const warnings: string[] = [];
  const carried = new Set<OtherStream['type']>();
  const holder = container.muxer === 'image2' ? 'pictures' : container.muxer;
  const streams = source.others.map((stream): CarriedStream => {
    const fate = fateIn(source, stream, container);
    // Time code lives on as metadata, from which mp4 and mov make its track again.
    const isTimecode = stream.type === 'data' && (stream.tag === 'tmcd' || source.timecode !== undefined);
    // The text track that mp4 and mov keep chapter titles in; the muxer makes it again.
    const isChapters = stream.type === 'data' && stream.tag === 'text' && source.chapters > 0 && container.chapters;
    if (stream.type === 'video')
      warnings.push(`${describe(stream)}: dropped, only track ${source.video.index} is upscaled`);
    else if (stream.silent) warnings.push(`${describe(stream)}: dropped, no sound was found in it`);
    else if (fate === undefined && !isTimecode && !isChapters)
      warnings.push(`${describe(stream)}: dropped, ${holder} cannot hold it`);
    else if (fate !== undefined && fate !== 'copy' && fate !== stream.codec)
      warnings.push(`${describe(stream)}: converted to ${fate}`);
    if (fate !== undefined) {
      const lost = lostMarks(stream, container, source.format, !carried.has(stream.type));
      if (lost.length)
        warnings.push(`${describe(stream)}: no longer marked as ${lost.join(', ')}, which ${holder} cannot say`);
      carried.add(stream.type);
    }
    return { index: stream.index, type: stream.type, codec: stream.codec, fate };
  });
  if (source.chapters > 0 && !container.chapters) warnings.push(`chapters: dropped, ${holder} cannot hold them`);
  return { streams, warnings };
}
