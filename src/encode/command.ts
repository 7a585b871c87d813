import ffmpeg from 'fluent-ffmpeg';
import { isRgbOutput } from '../shared/color.js';
import { deinterlaceInput } from '../shared/deinterlace.js';
import { fileUrl, inputOf, LONG_LOOK } from '../shared/input-options.js';
import { formatRational, type Rational } from '../shared/rational.js';
import { encoderKind } from './codecs.js';
import { cutCopiedCues } from './cut-subtitles.js';
import { dispositionValue } from './dispositions.js';
import { encodeFilters, type SourceReading } from './filters.js';
import { TIMESTAMP_OFFSET_SECONDS } from './matroska.js';
import { pictureArguments } from './pictures/command.js';
import type { EncodePlan } from './plan.js';
import { hasSoundInput, isConvertedSound, lengthOf, soundFilters } from './sound.js';
import { stereoMessage, stereoTag } from './stereo.js';
import { trackTags } from './track-tags.js';

/** Ticks a second above which encoders compute wrongly: libvpx refuses more than 10^9, libx265 loses frames before. */
const FINEST_CLOCK = 10_000_000;
const MICROSECONDS: Rational = { num: 1, den: 1_000_000 };

/** The clock that frames are encoded by: their own, unless it is finer than encoders can count. */
function clockOf({ timeBase }: EncodePlan): Rational {
  return timeBase.den / timeBase.num > FINEST_CLOCK ? MICROSECONDS : timeBase;
}

/** mp4 and mov count time in units of 1/timescale: one that the pictures' time base divides keeps every PTS. */
function timescale(plan: EncodePlan, muxer: string): string[] {
  if (muxer !== 'mp4' && muxer !== 'mov') return [];
  let { den } = clockOf(plan);
  // Players expect a fine clock; a multiple keeps the coarse one's ticks.
  while (den < 10_000) den *= 2;
  return den < 2 ** 31 ? ['-video_track_timescale', String(den)] : [];
}

function hdrOptions(plan: EncodePlan): string[] {
  const { hdr, hdrMetadata } = plan.source.video;
  if (!hdr || plan.encoder !== 'libx265') return [];
  const parameters = [
    // Without anything to say, it would say a brightness of zero.
    ...(hdrMetadata ? ['hdr10=1'] : []),
    'repeat-headers=1',
    ...(hdrMetadata?.masteringDisplay ? [`master-display=${hdrMetadata.masteringDisplay}`] : []),
    ...(hdrMetadata?.contentLight ? [`max-cll=${hdrMetadata.contentLight}`] : []),
  ];
  return ['-x265-params', parameters.join(':')];
}

/** Transfers that ffmpeg's encoder option names otherwise than ffprobe and the filters do. */
const TRANSFER_OPTION: Readonly<Record<string, string>> = { bt470m: 'gamma22', bt470bg: 'gamma28' };

function colorOptions({ color, fullRange, pixelFormat }: EncodePlan): string[] {
  if (isRgbOutput(pixelFormat)) return [];
  return [
    ...['-color_range', fullRange ? 'pc' : 'tv'],
    ...(color.matrix ? ['-colorspace', color.matrix] : []),
    ...(color.primaries ? ['-color_primaries', color.primaries] : []),
    ...(color.transfer ? ['-color_trc', TRANSFER_OPTION[color.transfer] ?? color.transfer] : []),
    ...(color.chromaLocation ? ['-chroma_sample_location', color.chromaLocation] : []),
  ];
}

/** Players of Apple's want HEVC called so. */
function codecTag({ codec, container }: EncodePlan): string[] {
  return codec === 'hevc' && container.muxer !== 'matroska' && container.muxer !== 'mpegts' ? ['-tag:v:0', 'hvc1'] : [];
}

function encoderOptions(plan: EncodePlan): string[] {
  const kind = encoderKind(plan.encoder);
  const quality = plan.crf ?? kind?.defaultQuality;
  const preset = plan.preset ?? kind?.defaultPreset;
  return [
    ...['-c:v:0', plan.encoder],
    ...(kind?.always ?? []),
    ...(quality === undefined ? [] : (kind?.quality?.(quality) ?? [])),
    ...(preset === undefined ? [] : (kind?.preset?.(preset) ?? [])),
    ...(plan.encoder === 'libx265' && !plan.source.video.hdr ? ['-x265-params', 'log-level=error'] : []),
    ...(plan.threads === undefined ? [] : ['-threads:v:0', String(plan.threads)]),
    ...hdrOptions(plan),
    ...stereoMessage(plan),
    ...['-fps_mode:v:0', 'passthrough', '-enc_time_base:v:0', formatRational(clockOf(plan))],
  ];
}

/** The picture as it was encoded. */
function copyOptions({ start }: EncodePlan): string[] {
  return ['-c:v:0', 'copy', ...(start === undefined ? [] : ['-copypriorss:v:0', '1'])];
}

/** Tags that described a track of the source and would lie about the output's. */
const STALE_TAGS = [
  'BPS',
  'NUMBER_OF_FRAMES',
  'NUMBER_OF_BYTES',
  'DURATION',
  '_STATISTICS_TAGS',
  '_STATISTICS_WRITING_APP',
  'ENCODER',
  'rotate',
];

function withoutStaleTags(stream: number): string[] {
  return STALE_TAGS.flatMap((tag) => [`-metadata:s:${stream}`, `${tag}=`]);
}

/** Number of the source among the inputs: after the frames. */
const SOURCE = 1;

/**
 * Bytes of packets that wait for a header. They are those of converted tracks of sound while another of them has not begun:
 * an hour of AAC is 115 MB, an hour of FLAC in stereo about 300 MB. Beyond them and as many packets, ffmpeg gives up.
 */
const WAITING_BYTES = 1_000_000_000;
const WAITING_PACKETS = 4096;

function carriedStreams(plan: EncodePlan): string[] {
  const options: string[] = [];
  const soundInput = hasSoundInput(plan) ? SOURCE + 1 : SOURCE;
  let output = 1;
  for (const stream of plan.streams) {
    const { index, fate, type } = stream;
    if (fate === undefined || (type === 'cover' && plan.container.covers === 'attachment')) continue;
    const cues = plan.cueFiles.findIndex((file) => file.index === index);
    const input = isConvertedSound(stream) ? soundInput : SOURCE;
    options.push('-map', cues < 0 ? `${input}:${index}` : `${soundInput + 1 + cues}:0`);
    options.push(`-c:${output}`, fate, `-map_metadata:s:${output}`, `${SOURCE}:s:${index}`);
    if (type !== 'attachment') options.push(...withoutStaleTags(output));
    const own = plan.source.others.find((other) => other.index === index);
    if (own && cues >= 0) options.push(`-disposition:${output}`, dispositionValue(own.dispositions));
    if (own && type !== 'cover') options.push(...trackTags(plan, output, own));
    if (type === 'audio' && fate === 'aac') options.push(`-b:${output}`, '256k');
    if (type === 'subtitle' && fate === 'copy') options.push(...cutCopiedCues(output, lengthOf(plan)));
    const filters = type === 'audio' ? soundFilters(plan, fate) : [];
    if (filters.length) options.push(`-filter:${output}`, filters.join(','));
    // A cover has its time before the start, as all pictures that are no video.
    if (type === 'cover') options.push(`-disposition:${output}`, 'attached_pic', `-copypriorss:${output}`, '1');
    output += 1;
  }
  for (const [number, { path, mimeType, name }] of plan.coverFiles.entries()) {
    const stream = output + number;
    options.push(
      '-attach',
      path,
      `-metadata:s:${stream}`,
      `mimetype=${mimeType}`,
      `-metadata:s:${stream}`,
      `filename=${name}`,
    );
  }
  return options;
}

/** A part of the video that begins later would begin with another time code than the source's. */
function timecodeTags({ source, timecode, start }: EncodePlan): string[] {
  if (!source.timecode) return [];
  if (start === undefined && timecode) return ['-metadata:s:v:0', `timecode=${timecode}`];
  return ['-metadata', 'timecode=', '-metadata:s:v:0', 'timecode='];
}

function metadata(plan: EncodePlan): string[] {
  const { source } = plan;
  return [
    // One disposition that is named leaves the others as the source has them: none becomes default by itself.
    ...['-disposition:v:0', dispositionValue([...new Set(['default', ...source.video.dispositions])])],
    ...['-map_metadata', '1', '-map_chapters', plan.container.chapters ? '1' : '-1'],
    // Naming one stream's metadata ends the copying of all others': each carried stream names its own.
    ...['-map_metadata:s:v:0', `1:s:${source.video.index}`, ...withoutStaleTags(0)],
    ...trackTags(plan, 0, source.video),
    // Transparency is not upscaled.
    ...['-metadata:s:0', 'alpha_mode='],
    ...stereoTag(plan),
    ...timecodeTags(plan),
  ];
}

/** Phones write who, where and when by keys of QuickTime's own: mp4 and mov keep these only among tags that are all keys. */
function keptKeys({ source, container }: EncodePlan): string[] {
  if (container.muxer !== 'mp4' && container.muxer !== 'mov') return [];
  return source.quicktimeKeys ? ['-movflags', '+use_metadata_tags'] : [];
}

/** mp4 and mov keep a chapter by its title alone: one without would be lost, and the next would take its time. */
function chapterTitles({ source, container, start, end }: EncodePlan): string[] {
  if (container.muxer !== 'mp4' && container.muxer !== 'mov') return [];
  // A part of the video has some of the chapters only, and ffmpeg refuses a number that is not among them.
  if (start !== undefined || end !== undefined) return [];
  return source.untitledChapters.flatMap((number) => [`-metadata:c:${number}`, `title=Chapter ${number + 1}`]);
}

/**
 * Seconds that move the source's tracks to the output's zero. A transport stream moved by exactly its start time would be
 * moved again, to the start of the first track that is used ("Correcting start time"); a microsecond less is not.
 */
const trackShift = ({ zero }: EncodePlan) => (zero === 0 ? 0 : 0.000_001 - zero);

function trackOffset(plan: EncodePlan): string[] {
  const shift = trackShift(plan);
  return shift === 0 ? [] : ['-itsoffset', shift.toFixed(6)];
}

/**
 * Where copied tracks begin and end. An input's own `-to` forgets its `-itsoffset`, and without `-copypriorss 0`
 * packets from the key frame before the start on are copied.
 */
function cuts(plan: EncodePlan): string[] {
  const end = lengthOf(plan);
  return [
    ...(plan.start === undefined ? [] : ['-copypriorss', '0']),
    ...(end === undefined ? [] : ['-t', end.toFixed(6)]),
  ];
}

/** Undoes what is added to the times of frames that come by a pipe. */
const FROM_PIPE = ['-itsoffset', String(-TIMESTAMP_OFFSET_SECONDS)];

/**
 * Seconds by which the times of segments are raised: no less than those of frames in a pipe, and whole ticks, as the
 * encoder rounds to its clock, which of old files ticks at the frame rate.
 */
function raisedBy(plan: EncodePlan): number {
  const { num, den } = clockOf(plan);
  return (Math.ceil((TIMESTAMP_OFFSET_SECONDS * den) / num) * num) / den;
}
const RAW_FRAMES = ['-f', 'matroska', '-probesize', '32', '-analyzeduration', '0'];
/** The last of them: sound that cannot be decoded ends no picture. */
const GENERAL = ['-hide_banner', '-nostdin', '-v', 'repeat+error', '-y', '-copyts', '-max_error_rate', '1'];

function hardwareDevice({ encoder }: EncodePlan): string[] {
  return encoder.endsWith('_vaapi') ? ['-vaapi_device', '/dev/dri/renderD128'] : [];
}

/**
 * A segment is a fragmented mp4 or mov: its fragments tell their times to the tick, decoding order included, from one zero
 * for all segments. So segments put one behind the other, byte by byte, are one video. Times stay raised by the offset of
 * frames in a pipe, as no fragment can begin before zero.
 */
const SEGMENT_OPTIONS = [
  ...['-movflags', '+frag_keyframe+delay_moov+default_base_moof+frag_discont+skip_trailer'],
  ...['-use_editlist', '0', '-avoid_negative_ts', 'disabled'],
];

/** Seconds of the source that are read before the first frame of a comparison: a seek may miss its key frame. */
const RUN_UP = 12;

/** Seconds from its start at which the source is read for the tracks of a part and for the left half of a comparison. */
function seekFrom({ start, compare, deinterlacing, source: { format } }: EncodePlan): number | undefined {
  const mayMiss = format === 'mpegts' || format === 'mpeg';
  const early = compare && (mayMiss || deinterlacing?.pulldown !== undefined);
  return start !== undefined && early ? Math.max(0, start - RUN_UP) : start;
}

/** Where the left half of a segment comes from: the source from a little before the segment's first frame on. */
function sourceNear(
  { source, zero, deinterlacing }: EncodePlan,
  raised: number,
  firstPtsNs: bigint,
): { readonly options: readonly string[]; readonly reading: SourceReading } {
  const from = Number(firstPtsNs) / 1e9 + zero - source.startTime - RUN_UP;
  const [shift, sought] = [raised - zero, from > 0];
  const seek = sought ? ['-ss', from.toFixed(6), '-noaccurate_seek'] : [];
  return {
    options: [
      '-itsoffset',
      shift.toFixed(6),
      ...seek,
      ...deinterlaceInput(source.video, deinterlacing),
      ...inputOf(source).options,
    ],
    reading: { shift, sought },
  };
}

/**
 * ffmpeg arguments that read frames in Matroska from stdin and write a segment of the picture alone.
 *
 * @param firstPtsNs time of the first frame, in nanoseconds of the output's clock
 */
export function segmentArguments(plan: EncodePlan, target: string, firstPtsNs: bigint): string[] {
  const muxer = plan.codec === 'prores' || plan.codec === 'ffv1' ? 'mov' : 'mp4';
  const raised = raisedBy(plan);
  const offset = ['-itsoffset', (raised - TIMESTAMP_OFFSET_SECONDS).toFixed(6)];
  const command = ffmpeg()
    .input('pipe:0')
    .inputOptions(...GENERAL, ...hardwareDevice(plan), ...offset, ...RAW_FRAMES);
  const near = sourceNear(plan, raised, firstPtsNs);
  if (plan.compare) command.input(inputOf(plan.source).url).inputOptions(...near.options);
  command
    .complexFilter([encodeFilters(plan, near.reading)])
    .output(fileUrl(target))
    .outputOptions(
      ...['-map', '[video]', ...encoderOptions(plan), ...codecTag(plan), ...colorOptions(plan)],
      ...[...timescale(plan, muxer), '-strict', 'experimental', ...SEGMENT_OPTIONS, ...plan.extra, '-f', muxer],
    );
  return command._getArguments();
}

/**
 * ffmpeg arguments that read the picture from stdin and the other tracks from the source, and write `target`: a path, or
 * a pipe for stdout. Pictures are written as of {@link pictureArguments}.
 *
 * @param picture what comes by stdin: raw frames in Matroska, or segments one behind the other
 */
export function encodeArguments(plan: EncodePlan, target: string, picture: 'frames' | 'segments' = 'frames'): string[] {
  if (plan.pictures) return pictureArguments(plan, plan.pictures, target);
  const encoded = picture === 'segments';
  // By itself ffmpeg would drop what is before the start by its time in the source, from tracks that `-itsoffset` has
  // moved: as much again as was skipped.
  const from = seekFrom(plan);
  const seek = from === undefined ? [] : ['-ss', from.toFixed(6), '-noaccurate_seek'];
  const toPipe = target.startsWith('pipe:');
  const muxer =
    toPipe && plan.container.muxer === 'mp4' ? ['-movflags', '+frag_keyframe+delay_moov+default_base_moof'] : [];
  // Options are given one by one: fluent-ffmpeg would split those of an array at their spaces.
  const command = ffmpeg()
    .input('pipe:0')
    .inputOptions(
      ...[...GENERAL, ...hardwareDevice(plan)],
      ...(encoded ? ['-itsoffset', (-raisedBy(plan)).toFixed(6), '-f', 'mp4'] : [...FROM_PIPE, ...RAW_FRAMES]),
    );
  const { options: opening, url } = inputOf(plan.source);
  const turning = plan.compare ? deinterlaceInput(plan.source.video, plan.deinterlacing) : [];
  const reading = [
    ...[...trackOffset(plan), ...seek, ...turning, ...opening],
    ...(plan.source.lateSound ? LONG_LOOK : []),
  ];
  command.input(url).inputOptions(...reading);
  if (hasSoundInput(plan)) command.input(url).inputOptions(...reading);
  for (const { path } of plan.cueFiles) command.input(fileUrl(path)).inputOptions('-f', 'srt');
  if (!encoded) command.complexFilter([encodeFilters(plan, { shift: trackShift(plan), sought: (from ?? 0) > 0 })]);
  command.output(toPipe ? target : fileUrl(target)).outputOptions(
    ...['-map', encoded ? '0:v:0' : '[video]'],
    ...cuts(plan),
    ...carriedStreams(plan),
    ...(encoded ? copyOptions(plan) : encoderOptions(plan)),
    ...codecTag(plan),
    ...colorOptions(plan),
    ...metadata(plan),
    // ffmpeg says it by itself of what it encodes.
    ...(encoded ? ['-metadata:s:v:0', `encoder=${plan.encoder}`] : []),
    ...chapterTitles(plan),
    ...timescale(plan, plan.container.muxer),
    ...['-max_muxing_queue_size', String(WAITING_PACKETS), '-muxing_queue_data_threshold', String(WAITING_BYTES)],
    ...['-strict', 'experimental'],
    ...(toPipe && plan.container.muxer === 'mp4' ? plan.container.options.slice(0, 2) : plan.container.options),
    ...muxer,
    ...keptKeys(plan),
    // ffmpeg goes by the extension, and the temporary has another.
    ...(/\.m2ts$/i.test(plan.output) ? ['-mpegts_m2ts_mode', '1'] : []),
    ...plan.extra,
    ...['-f', plan.container.muxer],
  );
  return command._getArguments();
}
