import { runTool } from '../shared/ffmpeg.js';
import { inputOf } from '../shared/input-options.js';
import type { MediaInfo, VideoStream } from '../shared/media.js';
import { CYCLE } from '../shared/pulldown.js';
import { rationalValue } from '../shared/rational.js';

/** What `idet` says of each frame by itself. */
const KIND = 'lavfi.idet.single.current_frame';

/** Frames looked at: three seconds of television. */
const LOOKED_AT = 75;

/** Lines that television weaves of two fields: 480 to 608 of standard definition, about 1080 of high; 720 are never woven. */
const WOVEN_LINES = [
  [400, 608],
  [1035, 1152],
] as const;

/** Frames a second above which a stream's own word that it is progressive needs no proof. */
const MAX_FRAME_RATE = 31;

/** Frames that must look woven, and their share: it is none of whole frames from a camera, and nearly all of woven ones. */
const LEAST_FRAMES = 10;
const WOVEN_SHARE = 0.5;
/** Share of woven frames that must agree on the order: fine patterns that only look woven do not. */
const SAME_ORDER = 0.95;

/** Whether a source is of a kind that may be interlaced without saying so: only such are worth a look. */
export function mayBeWoven({ width, height, rotation, fieldOrder, frameRate }: VideoStream): boolean {
  // As they are in the file.
  const lines = rotation % 180 ? width : height;
  if (!WOVEN_LINES.some(([least, most]) => lines >= least && lines <= most)) return false;
  return fieldOrder !== 'progressive' || (frameRate !== undefined && rationalValue(frameRate) <= MAX_FRAME_RATE);
}

/** What ffmpeg's `idet` counted, as it says it at its end; undefined where it does not say it. */
function counted(stderr: string): { top: number; bottom: number; progressive: number } | undefined {
  const match = /Multi frame detection:\s*TFF:\s*(\d+)\s*BFF:\s*(\d+)\s*Progressive:\s*(\d+)/.exec(stderr);
  return match ? { top: Number(match[1]), bottom: Number(match[2]), progressive: Number(match[3]) } : undefined;
}

function seenIn(stderr: string): FieldLook['seen'] {
  const { top, bottom, progressive } = counted(stderr) ?? { top: 0, bottom: 0, progressive: 0 };
  const woven = top + bottom;
  if (woven < LEAST_FRAMES || woven < WOVEN_SHARE * (woven + progressive)) return undefined;
  if (Math.max(top, bottom) < SAME_ORDER * woven) return undefined;
  return top > bottom ? 'top' : 'bottom';
}

/** What the last frame looked at is marked as, by what ffmpeg's `showinfo` says of it. */
function markOf(stderr: string): 'top' | 'bottom' | undefined {
  const mark = [...stderr.matchAll(/ i:([TBP]) /g)].at(-1)?.[1];
  return mark === 'T' ? 'top' : mark === 'B' ? 'bottom' : undefined;
}

/** Whole frames that must come in step, and their share: of film with repeated fields one frame in five is whole. */
const LEAST_WHOLE = 6;
const IN_STEP = 0.8;

/** Whether woven frames look as if made of film, by what `idet` thinks of each of them by itself. */
function looksLikeFilm(stderr: string): boolean {
  const kinds = [...stderr.matchAll(/single\.current_frame=(\w+)/g)].map(([, kind]) => kind);
  const places = kinds.flatMap((kind, index) => (kind === 'progressive' ? [index % CYCLE] : []));
  const most = Math.max(
    ...Array.from({ length: CYCLE }, (_, place) => places.filter((other) => other === place).length),
  );
  return most >= LEAST_WHOLE && most >= IN_STEP * places.length;
}

/** What pictures look like, and what is said of them. */
export interface FieldLook {
  /** Which field of woven frames came first; undefined where frames are whole, still, too few, or cannot be decoded. */
  readonly seen: 'top' | 'bottom' | undefined;
  /** Which field comes first as the last frame looked at is marked; undefined where it is not marked as interlaced. */
  readonly marked: 'top' | 'bottom' | undefined;
  /** Whether one woven frame in five is whole: film looks so that was brought to television's rate by repeating fields. */
  readonly film: boolean;
}

/**
 * Looks at a few seconds of a video for frames that are woven of two moments, whatever the file says of them.
 *
 * @param at seconds from the file's start
 */
export async function lookForFields(info: MediaInfo, at: number, signal?: AbortSignal): Promise<FieldLook> {
  const { options, url } = inputOf(info);
  const { stderr } = await runTool(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostdin', '-nostats', '-v', 'info', '-threads', '1'],
      ...(at > 0 ? ['-ss', at.toFixed(3), '-noaccurate_seek'] : []),
      ...['-noautorotate', ...options, '-i', url, '-map', `0:${info.video.index}`],
      // After idet frames are marked by what it found.
      ...['-vf', `trim=end_frame=${LOOKED_AT},showinfo=checksum=0,idet,metadata=print:key=${KIND}`],
      ...['-fps_mode', 'passthrough', '-f', 'null', '-'],
    ],
    signal,
  );
  const seen = seenIn(stderr);
  return { seen, marked: markOf(stderr), film: seen !== undefined && looksLikeFilm(stderr) };
}
