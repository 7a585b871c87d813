import { mayBeWoven } from '../decode/field-look.js';
import { marksFrames } from '../decode/field-order.js';
import type { Deinterlacing } from '../shared/deinterlace.js';
import type { MediaInfo, VideoStream } from '../shared/media.js';
import { type Pulldown, pulldownOf } from '../shared/pulldown.js';
import { rationalValue } from '../shared/rational.js';
import type { UpscaleOptions } from './options.js';

/** What is done about interlacing, and what the user should know of it. */
export interface DeinterlacePlan {
  /** Undefined: frames are taken as pictures. */
  readonly deinterlacing: Deinterlacing | undefined;
  readonly warnings: readonly string[];
}

/** Which field comes first where the user does not say. */
function saidOrder({ codec, fieldOrder }: VideoStream): Deinterlacing['firstField'] {
  // Each frame's own mark is closer than what the stream says of all.
  if (marksFrames(codec) || fieldOrder === undefined || fieldOrder === 'progressive') return 'auto';
  return fieldOrder;
}

/**
 * Whether frames may be marked as interlaced further on, though the first ones are whole: discs and broadcasts have some of
 * each. Whole frames pass the filter as they are.
 */
function mayChange(video: VideoStream, format: string): boolean {
  const television = video.codec === 'mpeg2video' || (video.codec === 'h264' && format === 'mpegts');
  return television && mayBeWoven(video);
}

function byFile(video: VideoStream, format: string, asked: Deinterlacing['firstField']): DeinterlacePlan {
  if (!video.interlaced) {
    const warning = `--field-order ${asked} does nothing: the source is not marked as interlaced; --deinterlace frame takes it for that`;
    return {
      deinterlacing: mayChange(video, format)
        ? { each: 'frame', which: 'marked', firstField: asked, pulldown: undefined }
        : undefined,
      warnings: asked === 'auto' ? [] : [warning],
    };
  }
  const firstField = asked === 'auto' ? saidOrder(video) : asked;
  return {
    // Frames that cannot be marked are all meant when the container says it.
    deinterlacing: {
      each: 'frame',
      which: marksFrames(video.codec) ? 'marked' : 'all',
      firstField,
      pulldown: undefined,
    },
    warnings: ['interlaced: each frame is deinterlaced (bwdif), the frame rate stays; --deinterlace field doubles it'],
  };
}

/** Pictures a second, as people write it. */
const perSecond = (rate: VideoStream['frameRate']) => (rate ? `${+rationalValue(rate).toFixed(2)}` : 'unknown');

function filmWarnings({ frameRate, depth }: VideoStream, pulldown: Pulldown | undefined): string[] {
  return [
    ...(pulldown
      ? []
      : [
          `--deinterlace film: at ${perSecond(frameRate)} frames a second no field is repeated, so all frames stay, put together of the fields that belong together`,
        ]),
    // ffmpeg's fieldmatch knows no other.
    ...(depth > 8 ? [`--deinterlace film puts pictures together in 8 bits: the source's ${depth} are not kept`] : []),
  ];
}

/** Fields one by one are no pictures, and no filter here joins them: frame counts, sizes and clocks all go by what is decoded. */
function singleFieldWarnings({ singleFields }: VideoStream): string[] {
  if (!singleFields) return [];
  const join = `weave=first_field=${singleFields},setpts=PTS-0.5/FR/TB`;
  return [
    `each picture is a single field of half the height, and comes out as one: join them first (ffmpeg -i IN -vf ${join} -c:v ffv1 -c:a copy JOINED.mkv)`,
  ];
}

/** Decides how frames become pictures. */
export function planDeinterlacing(
  source: Pick<MediaInfo, 'video' | 'format'>,
  options: Pick<UpscaleOptions, 'deinterlace' | 'fieldOrder'>,
): DeinterlacePlan {
  const { deinterlacing, warnings } = planWholeFrames(source, options);
  return { deinterlacing, warnings: [...singleFieldWarnings(source.video), ...warnings] };
}

function planWholeFrames(
  { video, format }: Pick<MediaInfo, 'video' | 'format'>,
  { deinterlace = 'auto', fieldOrder = 'auto' }: Pick<UpscaleOptions, 'deinterlace' | 'fieldOrder'>,
): DeinterlacePlan {
  if (deinterlace === 'auto') return byFile(video, format, fieldOrder);
  if (deinterlace === 'off') {
    const warning =
      'interlaced, and not deinterlaced: where something moves its combs are enlarged, and no player can take them out again; --deinterlace off is for pictures that are whole and only marked otherwise';
    return { deinterlacing: undefined, warnings: video.interlaced ? [warning] : [] };
  }
  const firstField = fieldOrder === 'auto' ? saidOrder(video) : fieldOrder;
  const unsaid = fieldOrder === 'auto' && !video.interlaced;
  const pulldown = deinterlace === 'film' ? pulldownOf(video) : undefined;
  return {
    deinterlacing: { each: deinterlace, which: 'all', firstField, pulldown },
    warnings: [
      ...(unsaid
        ? [
            'nothing says which field comes first, so the top one is taken: --field-order bottom where movement is jerky',
          ]
        : []),
      ...(deinterlace === 'film' ? filmWarnings(video, pulldown) : []),
    ],
  };
}

/**
 * The time code of the first picture. Time codes count pictures within a second, of which fields make twice as many, and
 * film four fifths.
 *
 * @returns undefined where two digits do not count so many
 */
export function pictureTimecode(
  timecode: string | undefined,
  deinterlacing: Deinterlacing | undefined,
): string | undefined {
  const { each, pulldown } = deinterlacing ?? {};
  if (timecode === undefined || (each !== 'field' && !pulldown)) return timecode;
  const match = /^(\d+:\d+:\d+)([:;.])(\d+)$/.exec(timecode);
  const number = pulldown ? Math.floor(0.8 * Number(match?.[3])) : 2 * Number(match?.[3]);
  // Numbers are dropped at television's rate only.
  return match && number < 100
    ? `${match[1]}${pulldown ? ':' : match[2]}${String(number).padStart(2, '0')}`
    : undefined;
}
