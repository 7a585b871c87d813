import { CODECS } from '../encode/codecs.js';
import { STEADINESS } from '../encode/steady.js';
import { DEVICES, PRECISIONS } from '../infer/types.js';
import { DEINTERLACE_CHOICES, FIELD_ORDERS } from '../shared/deinterlace.js';
import type { OptionDefinition } from '../shared/option-definition.js';
import { collect, decimal, frameRate, integer, seconds } from './values.js';

const PICTURE = 'Picture:';
const OUTPUT = 'Output:';
const RANGE = 'Part of the video:';
const MACHINE = 'Machine:';
const REPORT = 'Reports:';

/** Options of the main command, in the order of the help. */
export const OPTION_TABLE: readonly OptionDefinition[] = [
  {
    ...{ name: 'model', flag: '-m, --model', value: '<name|file.onnx>', group: PICTURE, env: 'TINYSR_MODEL' },
    ...{ description: 'model that ships, or an ONNX file of your own', default: 'tinysr-nano' },
  },
  {
    ...{ name: 'scale', flag: '-s, --scale', value: '<2|3|4>', group: PICTURE, choices: ['2', '3', '4'] },
    ...{
      description: 'size of the output; the model runs at its own scale and the picture is resized',
      default: "the model's own",
    },
  },
  {
    ...{ name: 'width', flag: '--width', value: '<pixels>', group: PICTURE, parse: integer(16, 16_384) },
    description: 'output width; without --height the shape is kept',
  },
  {
    ...{ name: 'height', flag: '--height', value: '<pixels>', group: PICTURE, parse: integer(16, 16_384) },
    description: 'output height; without --width the shape is kept',
  },
  {
    ...{ name: 'depth', flag: '--depth', value: '<8|10|16>', group: PICTURE, choices: ['8', '10', '16'] },
    ...{ description: 'bits of a sample; 16 for pictures', default: "8; 10 for HDR; the source's for pictures" },
  },
  {
    ...{ name: 'deinterlace', flag: '--deinterlace', value: '<way>', group: PICTURE, choices: DEINTERLACE_CHOICES },
    ...{
      description:
        'deinterlace marked frames, none, every frame, make a picture of each field (50i becomes 50p), or undo telecine (29.97 becomes 23.976)',
      default: 'auto',
    },
  },
  {
    ...{ name: 'fieldOrder', flag: '--field-order', value: '<order>', group: PICTURE, choices: FIELD_ORDERS },
    ...{ description: 'field of a frame that was taken first', default: 'auto: as marked, else top' },
  },
  {
    ...{ name: 'compare', flag: '--compare', group: PICTURE },
    description: 'show the source in the left half: before | after',
  },
  {
    ...{ name: 'steady', flag: '--steady', value: '<light|strong>', group: PICTURE, choices: STEADINESS },
    description: 'average away what flickers where nothing moves',
  },
  {
    ...{ name: 'preview', flag: '--preview', value: '<n>', group: PICTURE, parse: integer(0, 2 ** 31) },
    description: 'write frame n (from 0) as a PNG instead of a video',
  },
  {
    ...{ name: 'overwrite', flag: '-y, --overwrite', group: OUTPUT },
    description: 'replace an existing output',
  },
  {
    ...{ name: 'outDir', flag: '-o, --out-dir', value: '<folder>', group: OUTPUT },
    description: 'upscale every input (files and folders) into this folder',
  },
  {
    ...{ name: 'ext', flag: '--ext', value: '<extension>', group: OUTPUT },
    ...{ description: 'extension of outputs in --out-dir', default: "the input's, or mkv, png" },
  },
  {
    ...{ name: 'skipExisting', flag: '--skip-existing', group: OUTPUT },
    description: 'with --out-dir: leave out inputs whose output is there already',
  },
  {
    ...{ name: 'resume', flag: '--resume', group: OUTPUT },
    description: 'keep what is done when the work is stopped or killed, and go on from there when it is run again',
  },
  {
    ...{ name: 'codec', flag: '-c, --codec', value: '<codec>', group: OUTPUT, choices: CODECS },
    ...{ description: 'video codec', default: 'h264; vp9 in WebM, hevc for HDR', env: 'TINYSR_CODEC' },
  },
  {
    ...{ name: 'encoder', flag: '--encoder', value: '<name>', group: OUTPUT, env: 'TINYSR_ENCODER' },
    description: 'ffmpeg encoder, for example hevc_nvenc or h264_vaapi',
  },
  {
    ...{ name: 'crf', flag: '--crf', value: '<number>', group: OUTPUT, parse: decimal(0, 63) },
    ...{
      description: 'quality, lower is better',
      default: 'h264 18, hevc and hardware 20, av1 28 (libaom 26), vp9 26, prores 9; JPEG 2, WebP 5',
    },
  },
  {
    ...{ name: 'preset', flag: '--preset', value: '<name>', group: OUTPUT },
    ...{
      description: "speed, in the encoder's own words",
      default: 'h264 veryfast, hevc fast, av1 8 (libaom 6), vp9 4, prores hq',
    },
  },
  {
    ...{ name: 'pixFmt', flag: '--pix-fmt', value: '<format>', group: OUTPUT },
    ...{
      description: 'ffmpeg pixel format of the output',
      default: 'yuv420p; 10 bits yuv420p10le; prores yuv422p10le',
    },
  },
  {
    ...{ name: 'ffmpegArg', flag: '--ffmpeg-arg', value: '<argument>', group: OUTPUT, parse: collect },
    description: 'further ffmpeg output argument; repeat for each, as in --ffmpeg-arg=-tune --ffmpeg-arg=film',
  },
  {
    ...{ name: 'format', flag: '--format', value: '<name>', group: OUTPUT, choices: ['matroska', 'mp4'] },
    ...{ description: 'container on stdout (output -)', default: 'matroska' },
  },
  {
    ...{ name: 'fps', flag: '--fps', value: '<n|n/d>', group: RANGE, parse: frameRate },
    ...{ description: 'frames a second of numbered pictures, as in frames/%06d.png', default: '25' },
  },
  {
    ...{ name: 'start', flag: '--start', value: '<time>', group: RANGE, parse: seconds },
    description: 'begin here (seconds or [hh:]mm:ss)',
  },
  {
    ...{ name: 'end', flag: '--end', value: '<time>', group: RANGE, parse: seconds },
    description: 'end here',
  },
  {
    ...{ name: 'frames', flag: '--frames', value: '<n>', group: RANGE, parse: integer(1, 2 ** 31) },
    description: 'stop after n frames',
  },
  {
    ...{ name: 'strict', flag: '--strict', group: RANGE },
    description: 'damaged input is an error instead of a warning',
  },
  {
    ...{ name: 'device', flag: '-d, --device', value: '<name>', group: MACHINE, choices: DEVICES },
    ...{ description: 'where inference runs', default: 'auto', env: 'TINYSR_DEVICE' },
  },
  {
    ...{ name: 'precision', flag: '--precision', value: '<name>', group: MACHINE, choices: ['auto', ...PRECISIONS] },
    ...{
      description: 'numbers the model computes with; int8 (tinysr-small-psnr) is faster and leaves a faint grid',
      default: 'auto: fp32',
    },
  },
  {
    ...{ name: 'threads', flag: '--threads', value: '<n>', group: MACHINE, parse: integer(1, 256) },
    ...{ description: 'CPU threads of inference', default: 'all cores', env: 'TINYSR_THREADS' },
  },
  {
    ...{ name: 'batch', flag: '--batch', value: '<n>', group: MACHINE, parse: integer(1, 64) },
    ...{ description: 'frames a run', default: 'by device and memory' },
  },
  {
    ...{ name: 'tile', flag: '--tile', value: '<pixels>', group: MACHINE, parse: integer(0, 16_384) },
    ...{ description: 'cut frames into tiles of this side; 0: never', default: 'only when memory is short' },
  },
  {
    ...{ name: 'hwaccel', flag: '--hwaccel', value: '<auto|none|name>', group: MACHINE, env: 'TINYSR_HWACCEL' },
    ...{ description: 'hardware decoder of ffmpeg', default: 'none' },
  },
  {
    ...{ name: 'json', flag: '--json', group: REPORT },
    description: 'events as JSON lines on stdout (on stderr when the video goes to stdout)',
  },
  { ...{ name: 'quiet', flag: '-q, --quiet', group: REPORT }, description: 'nothing but errors' },
  {
    ...{ name: 'verbose', flag: '-v, --verbose', group: REPORT, env: 'TINYSR_VERBOSE' },
    description: 'what is run and why it failed, with stack traces, on stderr',
  },
];
