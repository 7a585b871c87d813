import { CODECS, type Codec, chooseEncoder, codecOfEncoder, encoderKind } from '../encode/codecs.js';
import type { Container } from '../encode/containers.js';
import type { PictureCodec } from '../encode/pictures/formats.js';
import { TinySRError } from '../shared/errors.js';
import type { FfmpegInfo } from '../shared/ffmpeg.js';
import type { VideoStream } from '../shared/media.js';
import type { Depth, UpscaleVideoOptions } from './options.js';

/** What the output is encoded with. */
export interface OutputPlan {
  readonly codec: Codec | PictureCodec;
  readonly encoder: string;
  readonly depth: Depth;
  readonly pixelFormat: string;
}

function chooseCodec(options: UpscaleVideoOptions, container: Container, hdr: boolean): Codec {
  const byEncoder = options.encoder === undefined ? undefined : codecOfEncoder(options.encoder);
  const asked = options.codec ?? byEncoder;
  const usual = hdr ? container.codecs.find((codec) => codec === 'hevc' || codec === 'vp9') : container.codecs[0];
  const codec = asked ?? usual ?? 'h264';
  if (container.codecs.includes(codec)) return codec;
  throw new TinySRError('TSR_OUTPUT_FORMAT', `${options.output}: ${container.muxer} cannot hold ${codec}`, {
    hint: `It holds ${container.codecs.join(', ')}; Matroska (.mkv) holds ${CODECS.join(', ')}.`,
  });
}

function bitsOf(pixelFormat: string): number {
  return /(p|gray)1[0246](le|be)?$|p010|48|64/.test(pixelFormat) ? 10 : 8;
}

/**
 * Decides codec, encoder, depth and pixel format.
 *
 * @throws TinySRError `TSR_OUTPUT_FORMAT`, `TSR_ENCODER_MISSING`, `TSR_INPUT_HDR`, `TSR_USAGE`
 */
export function planOutput(
  options: UpscaleVideoOptions,
  container: Container,
  video: VideoStream,
  ffmpeg: FfmpegInfo,
): OutputPlan {
  const codec = chooseCodec(options, container, video.hdr);
  const encoder = chooseEncoder(ffmpeg, codec, options.encoder);
  const kind = encoderKind(encoder);
  const depth = (options.depth ?? (video.hdr ? 10 : 8)) > 8 ? 10 : 8;
  const pixelFormat = options.pixelFormat ?? kind?.pixelFormats[depth];
  if (pixelFormat === undefined) {
    throw new TinySRError('TSR_USAGE', `encoder ${encoder} has no ${depth}-bit format`, {
      hint: 'Use --depth 8, or --codec hevc.',
    });
  }
  if (video.hdr && (!kind?.hdr || depth === 8 || bitsOf(pixelFormat) === 8)) {
    throw new TinySRError(
      'TSR_INPUT_HDR',
      `${options.input}: HDR (${video.color.transfer}) cannot be kept as ${codec} ${pixelFormat}`,
      {
        hint: 'Use --codec hevc with --depth 10 (the defaults for HDR), or tone-map the video to SDR first.',
      },
    );
  }
  return { codec, encoder, depth, pixelFormat };
}
