import { fileUrl, pictureInputOptions } from '../../shared/input-options.js';
import type { MediaInfo, PictureSequence, VideoStream } from '../../shared/media.js';
import { patternPath } from '../../shared/pattern.js';
import { profileSpace, readProfile } from '../../shared/pictures/profile.js';
import { formatRational, type Rational, rationalValue } from '../../shared/rational.js';
import { ffprobe } from '../ffprobe.js';
import { checkFile, videoStream } from '../probe.js';
import type { FoundPictures } from './find-pictures.js';
import type { PictureKind } from './kinds.js';
import { isTurned, readOrientation, turnFilters } from './orientation.js';
import { lookAtSamples } from './samples.js';

/** Frames a second of numbered pictures that nobody gave a rate for, as ffmpeg has it. */
export const USUAL_RATE: Rational = { num: 25, den: 1 };

function sequenceOptions({ first }: PictureSequence, { decoder, options }: PictureKind, rate: Rational): string[] {
  return [
    ...pictureInputOptions('image2'),
    // Names are taken as they are: no wildcards, whatever this ffmpeg was built with.
    ...['-pattern_type', 'sequence', '-start_number', String(first), '-start_number_range', '1'],
    ...['-framerate', formatRational(rate), '-c:v', decoder, ...options],
  ];
}

/** A picture as it is shown: turned, of square pixels, one of so many. */
function asShown(video: VideoStream, turned: boolean, count: number, rate: Rational): VideoStream {
  const { width, height } = video;
  return {
    ...video,
    ...(turned ? { width: height, height: width } : {}),
    ...{ interlaced: false, fieldOrder: undefined, frameCount: count, frameCountAnnounced: true, startTime: 0 },
    // Each of them may be turned another way, which ffmpeg sees to.
    turn: [],
    ...{ frameRate: rate, timeBase: { num: rate.den, den: rate.num } },
    // What a still says of its pixels' shape is a print's resolution at best, and no viewer heeds it.
    sampleAspectRatio: { num: 1, den: 1 },
  };
}

/** What the colour profile of a picture that has one is about. */
async function spaceOf(file: string, { name }: PictureKind): Promise<string> {
  const profile = await readProfile(file, name);
  return profile ? profileSpace(profile) : 'unknown';
}

/**
 * Reads what pictures are, by the first of them.
 *
 * @throws TinySRError `TSR_INPUT_*`, `TSR_FFMPEG_MISSING`
 */
export async function probePictures(
  { path, file, kind, sequence }: FoundPictures,
  frameRate: Rational | undefined,
  signal?: AbortSignal,
): Promise<MediaInfo> {
  const bytes = await checkFile(file);
  const single = [...pictureInputOptions(kind.demuxer), ...kind.options];
  const report = await ffprobe(file, signal, { picture: single });
  const [stream, frame] = [report.streams[0], report.frames[0]];
  const sides = frame?.side_data_list ?? [];
  const orientation = sides.some(({ rotation }) => rotation !== undefined) ? 1 : await readOrientation(file, kind);
  const rate = (sequence && frameRate) ?? USUAL_RATE;
  const count = sequence?.count ?? 1;
  const video = videoStream(file, { ...(stream ?? { index: 0 }), side_data_list: sides }, undefined);
  const { hasAlpha, inks } = await lookAtSamples(file, kind, video);
  const hasProfile = sides.some(({ side_data_type }) => side_data_type === 'ICC profile');
  return {
    path,
    ...{ format: sequence ? 'image2' : kind.demuxer, startTime: 0, duration: count / rationalValue(rate) },
    ...{ bytes, lateSound: false, others: [], chapters: 0, untitledChapters: [], quicktimeKeys: false },
    timecode: undefined,
    video: asShown({ ...video, hasAlpha }, isTurned(orientation), count, rate),
    pictures: {
      kind: kind.name,
      options: sequence ? sequenceOptions(sequence, kind, rate) : single,
      url: fileUrl(sequence ? patternPath(sequence.pattern) : file),
      turn: turnFilters(orientation),
      profile: hasProfile ? await spaceOf(file, kind) : undefined,
      inks,
      linear: kind.linear,
      sequence,
    },
  };
}
