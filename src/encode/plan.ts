import type { Matrix } from '../shared/color.js';
import type { Deinterlacing } from '../shared/deinterlace.js';
import type { FrameLayout } from '../shared/layout.js';
import type { ColorTags, MediaInfo } from '../shared/media.js';
import type { Rational } from '../shared/rational.js';
import type { Codec } from './codecs.js';
import type { Container, Fate } from './containers.js';
import type { CueFile } from './cut-subtitles.js';
import type { PictureCodec, PictureFormat, PictureTarget } from './pictures/formats.js';
import type { Steadiness } from './steady.js';

/** What is decided about pictures that are written. */
export interface PicturePlan extends PictureTarget {
  /** Number of the first of numbered ones. */
  readonly first: number;
  /** Whether samples have sixteen bits on their way. */
  readonly deep: boolean;
  /** Whether transparency is enlarged by interpolation and joined with the upscaled colours. */
  readonly alpha: boolean;
  /** How the source's colour profile is written, too; undefined: it is not. */
  readonly profile: PictureFormat['profile'];
  /** Pictures of the source that come before the first frame. */
  readonly passed: number;
}

/** Everything that is decided about an output before its first frame. */
export interface EncodePlan {
  readonly source: MediaInfo;
  /** The output as the user calls it, for messages: what is written has another name until it is whole. */
  readonly output: string;
  readonly container: Container;
  readonly codec: Codec | PictureCodec;
  readonly encoder: string;
  /** Quality on the encoder's scale; undefined: its default here. */
  readonly crf: number | undefined;
  readonly preset: string | undefined;
  readonly pixelFormat: string;
  /** Further ffmpeg output options, as given by the user. */
  readonly extra: readonly string[];
  /** Layout of the upscaled frames, padding included. */
  readonly frame: FrameLayout;
  /** Part of the frame that is picture: the rest is padding at right and bottom. */
  readonly picture: { readonly width: number; readonly height: number };
  /** Size of the output picture. */
  readonly width: number;
  readonly height: number;
  readonly sampleAspectRatio: Rational;
  /** Clock that the pictures' times are counted by: the source's, or finer. */
  readonly timeBase: Rational;
  /** Usual rate of the pictures; undefined when unknown. */
  readonly frameRate: Rational | undefined;
  /** How the source's frames became pictures: the left half of before|after is made so, too. */
  readonly deinterlacing: Deinterlacing | undefined;
  /** Time code of the first picture of the source. */
  readonly timecode: string | undefined;
  /** YUV matrix of the output, and of the frames when they are YUV. */
  readonly matrix: Matrix;
  readonly fullRange: boolean;
  /** Tags written to the output. */
  readonly color: ColorTags;
  /** Seconds of the source's clock that become the output's zero. */
  readonly zero: number;
  /** Seconds from the source's start at which copied tracks begin and end. */
  readonly start: number | undefined;
  readonly end: number | undefined;
  /** Before|after: the source is shown in the left half. */
  readonly compare: boolean;
  /** What comes and goes between frames is averaged away, so much of it. */
  readonly steady: Steadiness | undefined;
  /** Streams carried along and what becomes of each. */
  readonly streams: readonly {
    readonly index: number;
    readonly type: string;
    readonly codec: string;
    readonly fate: Fate;
  }[];
  /** Picture files to attach, extracted from the source. */
  readonly coverFiles: readonly { readonly path: string; readonly mimeType: string; readonly name: string }[];
  /** Text tracks of a part of the video, cut already: they replace the source's. */
  readonly cueFiles: readonly CueFile[];
  /** Where the output is pictures, and no video. */
  readonly pictures: PicturePlan | undefined;
  /** Encoder threads; undefined: its own choice. */
  readonly threads: number | undefined;
}
