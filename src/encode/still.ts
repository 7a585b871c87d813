import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startChild } from '../shared/child.js';
import type { Matrix } from '../shared/color.js';
import { toolPath } from '../shared/ffmpeg.js';
import { fileUrl } from '../shared/input-options.js';
import { type FrameLayout, isSubsampled } from '../shared/layout.js';
import { encodeError } from './encode-error.js';
import { compareFilters } from './filters.js';

/** One raw frame of known size. */
export interface RawPicture {
  readonly layout: FrameLayout;
  readonly data: ArrayBuffer;
  /** Part that is picture. */
  readonly width: number;
  readonly height: number;
}

/** What a still is made of. */
export interface StillOptions {
  readonly after: RawPicture;
  /** The frame before upscaling, for a before|after picture. */
  readonly before: RawPicture | undefined;
  readonly width: number;
  readonly height: number;
  readonly matrix: Matrix;
  readonly fullRange: boolean;
}

function rawInput({ layout }: RawPicture, pipe: number): string[] {
  return ['-f', 'rawvideo', '-pix_fmt', layout.format, '-s', `${layout.width}x${layout.height}`, '-i', `pipe:${pipe}`];
}

/** Filters from raw pixels to an RGB picture of its own size. */
function toPicture({ layout, width, height }: RawPicture, options: StillOptions): string[] {
  const yuv = `scale=in_color_matrix=${options.matrix}:in_range=${options.fullRange ? 'pc' : 'tv'}:flags=bicubic+accurate_rnd+full_chroma_int`;
  return [`crop=${width}:${height}:0:0:exact=1`, ...(isSubsampled(layout.format) ? [yuv] : []), 'format=gbrp'];
}

/** An ffmpeg that writes one PNG. Owned by whoever started it: close it. */
export interface StillWriter {
  /** Waits for the finished file. @throws TinySRError `TSR_ENCODE_FAILED`, `TSR_OUTPUT_DISK_FULL` */
  finish(): Promise<void>;
  /** Ends ffmpeg at once and waits for it: nothing is written after that. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts to write one PNG.
 *
 * @param target file to write
 * @param name what the user calls it, for messages
 */
export function startStill(options: StillOptions, target: string, name: string): StillWriter {
  const { after, before, width, height } = options;
  const resize = `scale=${width}:${height}:flags=lanczos+accurate_rnd+full_chroma_int`;
  const finished = [...toPicture(after, options), resize];
  const graph = before
    ? [
        `[1:v]${toPicture(before, options).join(',')}[before]`,
        '[0:v]null[after]',
        ...compareFilters(width, height, finished),
      ].join(';')
    : `[0:v]${finished.join(',')}`;
  const inputs = [...rawInput(after, 0), ...(before ? rawInput(before, 3) : [])];
  const child = startChild(
    toolPath('ffmpeg'),
    [
      ...['-hide_banner', '-v', 'error', '-y', ...inputs, '-filter_complex', `${graph},format=rgb24[still]`],
      ...['-map', '[still]', '-frames:v', '1', '-c:v', 'png', '-f', 'image2pipe', fileUrl(target)],
    ],
    ['pipe', 'ignore', 'pipe', before ? 'pipe' : 'ignore'],
  );
  const feed = async (pipe: number, picture: RawPicture) => {
    const stream = child.process.stdio[pipe] as unknown as Writable & Readable;
    // The encoder's own words tell more than a broken pipe.
    await pipeline([Buffer.from(picture.data, 0, picture.layout.bytes)], stream).catch(() => undefined);
  };
  const fed = Promise.all([feed(0, after), ...(before ? [feed(3, before)] : [])]);
  return {
    async finish() {
      await fed;
      const error = encodeError(name, 'png', await child.exit);
      if (error) throw error;
    },
    close: () => child.kill(),
  };
}
