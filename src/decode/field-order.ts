import type { VideoStream } from '../shared/media.js';
import type { ProbedStream, ProbeReport } from './ffprobe.js';

type FieldOrder = VideoStream['fieldOrder'];

/** The first letter is the earlier field, as containers and decoders use these names; the second one has had other meanings. */
const BY_NAME: Readonly<Record<string, FieldOrder>> = {
  ...{ progressive: 'progressive', tt: 'top', tb: 'top', bb: 'bottom', bt: 'bottom' },
};

/** Codecs that mark each frame as interlaced or not. Of others only the container can say it, of all frames at once. */
const MARKING = new Set([
  ...['h264', 'mpeg2video', 'mpeg4', 'vc1', 'wmv3', 'cavs', 'dvvideo', 'prores', 'dnxhd', 'mjpeg', 'ffv1'],
  ...['rawvideo', 'v210'],
]);

/** Whether frames of a codec say themselves whether they are interlaced. */
export function marksFrames(codec: string): boolean {
  return MARKING.has(codec);
}

/** Whether what a codec's frames call interlaced is a single field: HEVC knows no picture that is woven of two. */
export function marksSingleFields(codec: string): boolean {
  return codec === 'hevc';
}

/** What the stream says of the order of its fields; undefined where it does not say. */
export function streamFieldOrder({ field_order }: ProbedStream): FieldOrder {
  return BY_NAME[field_order ?? ''];
}

/** What the first frame says. A frame without a mark says nothing of those after it. */
export function frameFieldOrder({ frames: [first] }: ProbeReport): VideoStream['singleFields'] {
  if (!first?.interlaced_frame) return undefined;
  return first.top_field_first ? 'top' : 'bottom';
}
