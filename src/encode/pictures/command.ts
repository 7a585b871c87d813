import ffmpeg from 'fluent-ffmpeg';
import { hasNoMatrix, matrixTag } from '../../shared/color.js';
import { deinterlaceFilters, deinterlaceInput } from '../../shared/deinterlace.js';
import { fileUrl, inputOf } from '../../shared/input-options.js';
import { parsePattern, patternPath } from '../../shared/pattern.js';
import { formatRational, type Rational } from '../../shared/rational.js';
import { compareFilters, QUALITY, toOutputSize } from '../filters.js';
import type { EncodePlan, PicturePlan } from '../plan.js';

/** Seconds of the source that are read before a start, where a seek may miss and pictures are made of their neighbours. */
const RUN_UP = 12;

/** Frames a second of a source that says none: pictures have no times, ffmpeg wants one all the same. */
const ANY_RATE: Rational = { num: 25, den: 1 };

const rateOf = ({ frameRate }: EncodePlan) => frameRate ?? ANY_RATE;

/** The time base in which frames are counted. */
function timeBase(plan: EncodePlan): string {
  const { num, den } = rateOf(plan);
  return formatRational({ num: den, den: num });
}

/** Seconds from its start at which the source is read again. */
const readFrom = ({ start = 0 }: EncodePlan) => Math.max(0, start - RUN_UP);

/** Frames meet the source's own by their number: what has no times can have no wrong ones. */
const counted = (plan: EncodePlan) => [`settb=${timeBase(plan)}`, 'setpts=N'];

/** Whether the source is read again: for the half before, for transparency, for the colour profile. */
function readsSource({ compare }: EncodePlan, { alpha, profile }: PicturePlan): boolean {
  return compare || alpha || profile === 'encoded';
}

/** From RGB to what the encoder takes. */
function toFile({ pixelFormat }: EncodePlan): string[] {
  const isYuv = pixelFormat.startsWith('yuv');
  // JPEG is of BT.601 and full range, whatever its size.
  const convert = `scale=${QUALITY}:out_color_matrix=bt601:in_range=pc:out_range=pc`;
  return [...(isYuv ? [convert] : []), `format=${pixelFormat}`, 'setsar=1'];
}

/**
 * The filter that takes the colours of its second picture. It gives its result all that the frame of its first, which is
 * the source, carries beside its samples: that is how a colour profile gets into the file.
 */
const TAKE_COLOURS = 'blend=c0_opacity=0:c1_opacity=0:c2_opacity=0:c3_opacity=1:shortest=1';

/** A picture of the source in the size of the output. */
const enlarged = ({ width, height }: EncodePlan) =>
  `scale=${width}:${height}:flags=bicubic+accurate_rnd+full_chroma_int,setsar=1`;

/** Colours from the upscaled frames, transparency from the source enlarged by interpolation. */
function withSource(plan: EncodePlan, { alpha, deep, profile }: PicturePlan, source: string): string {
  const format = `format=gbr${alpha ? 'a' : ''}p${deep ? '16le' : ''}`;
  // One that is not for these colours would come along with the transparency.
  const unfit = plan.source.pictures?.profile !== undefined && profile !== 'encoded';
  const without = unfit ? 'sidedata=mode=delete:type=ICC_PROFILE,' : '';
  return [
    `${source}${enlarged(plan)},${without}${format}[carried]`,
    `[0:v:0]${[...toOutputSize(plan), ...counted(plan), 'setsar=1', format].join(',')}[upscaled]`,
    `[carried][upscaled]${TAKE_COLOURS},${toFile(plan).join(',')}[video]`,
  ].join(';');
}

function beforeAndAfter(plan: EncodePlan, { profile }: PicturePlan, source: string): string {
  const toSize = [...toOutputSize(plan), ...counted(plan)];
  const compared = compareFilters(plan.width, plan.height, toSize, timeBase(plan)).join(';');
  const { pixelFormat, color } = plan.source.video;
  // Without a tag, ffmpeg would take any video for SD.
  const tags = `setparams=colorspace=${matrixTag(plan.matrix)}:range=${plan.fullRange ? 'pc' : 'tv'}`;
  const tagged = `${source}${hasNoMatrix(pixelFormat, color.range) ? 'null' : tags}`;
  const end = `${toFile(plan).join(',')}[video]`;
  if (profile !== 'encoded') return [`${tagged}[before]`, '[0:v:0]null[after]', `${compared},${end}`].join(';');
  return [
    `${tagged},split[before][whole]`,
    '[0:v:0]null[after]',
    `${compared}[compared]`,
    `[whole]${enlarged(plan)},format=gbrp[carried]`,
    `[carried][compared]${TAKE_COLOURS},${end}`,
  ].join(';');
}

/** The filter graph from frames (input 0) to pictures, ending in `[video]`. */
export function pictureFilters(plan: EncodePlan, pictures: PicturePlan): string {
  if (!readsSource(plan, pictures)) return `[0:v:0]${[...toOutputSize(plan), ...toFile(plan)].join(',')}[video]`;
  const { video, pictures: { turn = [] } = {} } = plan.source;
  const begin = [
    // As the frames' own reader cuts: half a microsecond is what times on a command line are rounded by.
    ...(plan.start === undefined ? [] : [`trim=start=${(plan.zero - 5e-7).toFixed(7)}`]),
    ...(pictures.passed > 0 ? [`trim=start_frame=${pictures.passed}`] : []),
  ];
  const made = deinterlaceFilters(video, plan.deinterlacing, { origin: video.startTime, sought: readFrom(plan) > 0 });
  const source = `[1:${video.index}]${[...turn, ...made, ...begin, ...counted(plan)].join(',')},`;
  return plan.compare ? beforeAndAfter(plan, pictures, source) : withSource(plan, pictures, source);
}

/**
 * ffmpeg arguments that read raw frames from stdin and write pictures.
 *
 * @param target the picture, or the pattern of numbered ones
 */
export function pictureArguments(plan: EncodePlan, pictures: PicturePlan, target: string): string[] {
  const { frame, source, crf, extra, threads } = plan;
  const { options, url } = inputOf(source);
  const { format, first } = pictures;
  const pattern = pictures.pattern && parsePattern(target);
  const size = `${frame.width}x${frame.height}`;
  const raw = ['-f', 'rawvideo', '-pix_fmt', frame.format, '-s', size, '-framerate', formatRational(rateOf(plan))];
  const from = readFrom(plan);
  const seek = from > 0 ? ['-ss', from.toFixed(6)] : [];
  const command = ffmpeg()
    .input('pipe:0')
    .inputOptions(...['-hide_banner', '-nostdin', '-v', 'repeat+error', '-y', '-copyts'], ...raw);
  if (readsSource(plan, pictures))
    command.input(url).inputOptions(...seek, ...deinterlaceInput(source.video, plan.deinterlacing), ...options);
  command
    .complexFilter([pictureFilters(plan, pictures)])
    .output(fileUrl(pattern ? patternPath(pattern) : target))
    .outputOptions(
      ...['-map', '[video]', '-fps_mode', 'passthrough', '-c:v', format.encoder, ...format.options(crf)],
      ...(threads === undefined ? [] : ['-threads:v', String(threads)]),
      ...extra,
      // Each picture is written under another name and renamed when it is whole.
      ...(pattern ? ['-f', 'image2', '-start_number', String(first), '-atomic_writing', '1'] : []),
      ...(pattern ? [] : ['-frames:v', '1', '-f', 'image2pipe']),
    );
  return command._getArguments();
}
