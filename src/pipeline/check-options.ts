import { z } from 'zod';
import { CODECS } from '../encode/codecs.js';
import { pictureTarget } from '../encode/pictures/formats.js';
import { STEADINESS } from '../encode/steady.js';
import { DEVICES, PRECISIONS } from '../infer/types.js';
import { abortSignal, checkOptions, whole } from '../shared/check-options.js';
import { DEINTERLACE_CHOICES, FIELD_ORDERS } from '../shared/deinterlace.js';
import { TinySRError } from '../shared/errors.js';
import { parseFrameRate } from '../shared/frame-rate.js';
import type { PreviewOptions, UpscaleOptions, UpscaleVideoOptions } from './options.js';
import { checkPictureOptions } from './picture-plan.js';

const path = z.string().min(1, 'an empty name is none');
const word = path.optional();
const flag = z.boolean().optional();

const isFrameRate = (value: number | string) => parseFrameRate(String(value)) !== undefined;

/** The same ranges as on the command line. Other properties are none of its business. */
const UPSCALE = z.object({
  ...{ input: path, output: path, overwrite: flag, compare: flag },
  ...{ model: word, device: z.enum(DEVICES).optional(), precision: z.enum(['auto', ...PRECISIONS]).optional() },
  scale: z.literal([2, 3, 4]).optional(),
  ...{ width: whole(16, 16_384), height: whole(16, 16_384), depth: z.literal([8, 10, 16]).optional(), hwaccel: word },
  fps: z
    .union([z.number(), z.string()])
    .refine(isFrameRate, 'a frame rate such as 25, 23.976 or 24000/1001')
    .optional(),
  ...{ deinterlace: z.enum(DEINTERLACE_CHOICES).optional(), fieldOrder: z.enum(FIELD_ORDERS).optional() },
  ...{ batch: whole(1, 64), tile: whole(0, 16_384), threads: whole(1, 256), signal: abortSignal },
});

const VIDEO = UPSCALE.extend({
  ...{ format: z.enum(['matroska', 'mp4']).optional(), codec: z.enum(CODECS).optional(), encoder: word },
  ...{ crf: z.number().min(0).max(63).optional(), preset: word, pixelFormat: word },
  steady: z.enum(STEADINESS).optional(),
  ffmpegArgs: z.array(z.string()).readonly().optional(),
  ...{ start: z.number().min(0).optional(), end: z.number().positive().optional(), frames: whole(1, 2 ** 31) },
  ...{ strict: flag, resume: flag, segmentFrames: whole(1, 2 ** 31) },
});

const PREVIEW = UPSCALE.extend({
  frame: z
    .int()
    .min(0)
    .max(2 ** 31),
});

/** What cannot be gone on with, or would not be the same picture after. */
function checkResume({ input, output, resume, segmentFrames }: UpscaleVideoOptions): void {
  const refuse = (message: string, hint: string) => new TinySRError('TSR_USAGE', message, { hint });
  if (!resume && segmentFrames !== undefined) {
    throw refuse('segmentFrames means nothing without resume', 'Add resume, or leave it out.');
  }
  if (!resume) return;
  if (input === '-') throw refuse('a video from stdin cannot be resumed', 'Give it as a file, or leave out --resume.');
  if (output === '-') throw refuse('a video to stdout cannot be resumed', 'Write to a file, or leave out --resume.');
  const target = pictureTarget(output);
  if (target && !target.pattern) throw refuse('one picture is not resumed', 'Leave out --resume.');
}

function checkFields({ deinterlace, fieldOrder = 'auto' }: UpscaleOptions): void {
  if (deinterlace !== 'off' || fieldOrder === 'auto') return;
  throw new TinySRError('TSR_USAGE', `--field-order ${fieldOrder} and --deinterlace off do not go together`, {
    hint: 'The order of fields matters where frames are deinterlaced: leave out one of them.',
  });
}

/** @throws TinySRError `TSR_USAGE` for options that JavaScript lets pass and the command line would not */
export function checkVideoOptions(options: UpscaleVideoOptions): void {
  checkOptions(VIDEO, options, "upscaleVideo({ input: 'in.mp4', output: 'out.mp4' })");
  checkFields(options);
  checkResume(options);
  checkPictureOptions(options);
  const { start = 0, end } = options;
  if (end !== undefined && end <= start) {
    throw new TinySRError('TSR_USAGE', 'the end is not after the start', {
      hint: 'Times count from the start of the video.',
    });
  }
}

/** @throws TinySRError `TSR_USAGE` */
export function checkPreviewOptions(options: PreviewOptions): void {
  checkOptions(PREVIEW, options, "previewFrame({ input: 'in.mp4', output: 'look.png', frame: 100 })");
  checkFields(options);
}
