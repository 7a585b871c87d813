import { runTool } from '../shared/ffmpeg.js';
import { fileUrl } from '../shared/input-options.js';
import type { EncodePlan } from './plan.js';

/** By which the encoder tells that a track which it decodes is damaged. The picture is the decoder's to count. */
export function trackSigns({ source }: EncodePlan): RegExp[] {
  return [
    // Input 0 are the frames.
    new RegExp(`Error while decoding stream #[1-9]:(?!${source.video.index}:)`),
    // As newer ffmpegs say it: [aist#1:2/mp2 @ 0x…].
    /\[[as]ist#[1-9]:.*Error submitting packet to decoder/,
    // Of AC-3, which goes on with what it can guess.
    /error decoding the audio block/,
  ];
}

/** A track of sound as ffprobe counts it. */
interface Counted {
  readonly index: number;
  /** Number of a track in mp4 and mov, from 0x1. */
  readonly id?: string;
  readonly nb_read_packets?: string;
}

/**
 * Looks for converted sound of which nothing came into a finished output: an encoder that is given nothing says nothing.
 * Reads the output once, so it is for sources whose sound is damaged.
 *
 * @returns a warning for each such track
 */
export async function emptyTracks(plan: EncodePlan, path: string, signal?: AbortSignal): Promise<string[]> {
  const { muxer, covers } = plan.container;
  const show = ['-select_streams', 'a', '-count_packets', '-show_entries', 'stream=index,id,nb_read_packets'];
  const { code, stdout } = await runTool('ffprobe', ['-v', 'error', ...show, '-of', 'json', fileUrl(path)], signal);
  if (code !== 0) return [];
  const { streams = [] } = JSON.parse(stdout.toString()) as { readonly streams?: readonly Counted[] };
  const filled = streams.filter((stream) => Number(stream.nb_read_packets) > 0);
  // mp4 and mov leave a track without packets out, and number the others as if they had not.
  const numbers = filled.map(({ index, id }) => (muxer === 'mp4' || muxer === 'mov' ? Number(id) - 1 : index));
  return plan.streams
    .filter(({ type, fate }) => fate !== undefined && !(type === 'cover' && covers === 'attachment'))
    .flatMap(({ type, index, codec, fate }, position) =>
      type === 'audio' && fate !== 'copy' && !numbers.includes(position + 1)
        ? [`audio track ${index}, ${codec}: nothing of it could be decoded, the output is without it`]
        : [],
    );
}
