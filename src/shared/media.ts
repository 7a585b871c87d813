import type { Pattern } from './pattern.js';
import type { Rational } from './rational.js';

/** Colour description of a video stream in ffmpeg's names; undefined where the file does not say. */
export interface ColorTags {
  readonly range: 'tv' | 'pc' | undefined;
  /** YUV matrix, e.g. `bt709`. */
  readonly matrix: string | undefined;
  readonly primaries: string | undefined;
  readonly transfer: string | undefined;
  /** Where chroma samples lie, e.g. `left`. */
  readonly chromaLocation: string | undefined;
}

/** HDR10 static metadata as x265 takes it (units of 0.00002 and 0.0001 cd/m2, CTA-861.3). */
export interface HdrMetadata {
  /** `G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)`. */
  readonly masteringDisplay: string | undefined;
  /** `MaxCLL,MaxFALL`. */
  readonly contentLight: string | undefined;
}

/** How the two views of a 3D picture lie in it. */
export interface Stereo {
  /** In ffmpeg's words: `side by side`, `top and bottom`, `frame alternate`, `checkerboard` … */
  readonly arrangement: string;
  /** Whether the right view comes first. */
  readonly inverted: boolean;
}

/** The picture stream that is upscaled. */
export interface VideoStream {
  /** Stream index in the file. */
  readonly index: number;
  readonly codec: string;
  readonly language: string | undefined;
  readonly title: string | undefined;
  /** What the file marks it as, in ffmpeg's names. */
  readonly dispositions: readonly string[];
  /** Decoded width in pixels, after rotation. */
  readonly width: number;
  /** Decoded height in pixels, after rotation. */
  readonly height: number;
  /** Clockwise quarter turns the decoder applies: 0, 90, 180 or 270. */
  readonly rotation: number;
  /** Filters that do what ffmpeg does by itself to show it upright; none where that is nothing, or a turn by no quarter. */
  readonly turn: readonly string[];
  readonly pixelFormat: string;
  /** Bits of a sample. */
  readonly depth: number;
  readonly hasAlpha: boolean;
  /** Which field comes first, as stream or first frame say; undefined where neither does. */
  readonly fieldOrder: 'top' | 'bottom' | 'progressive' | undefined;
  /** Whether stream or first frame say that frames are woven of two fields. */
  readonly interlaced: boolean;
  /** Which field comes first where each picture is one field, of half the height, as HEVC has them; undefined elsewhere. */
  readonly singleFields: 'top' | 'bottom' | undefined;
  /** Undefined for a picture of one view. */
  readonly stereo: Stereo | undefined;
  /** `compatible`: the base layer is a picture by itself; `own`: its colours are Dolby Vision's. */
  readonly dolbyVision: 'compatible' | 'own' | undefined;
  readonly timeBase: Rational;
  /** Average frame rate; undefined when unknown. */
  readonly frameRate: Rational | undefined;
  /** Pixel shape; 1:1 when unknown. */
  readonly sampleAspectRatio: Rational;
  /** Frames the container announces or duration and rate suggest; undefined when unknown. */
  readonly frameCount: number | undefined;
  /** Whether the container announces that count: otherwise it is a guess, which gaps make wrong. */
  readonly frameCountAnnounced: boolean;
  /** Its first timestamp, in seconds; undefined when the file does not say. */
  readonly startTime: number | undefined;
  /** How long the track says that it lasts, in seconds; undefined when it does not say. */
  readonly seconds: number | undefined;
  readonly color: ColorTags;
  /** PQ or HLG transfer. */
  readonly hdr: boolean;
  readonly hdrMetadata: HdrMetadata | undefined;
}

/** A stream that is carried along. */
export interface OtherStream {
  readonly index: number;
  /** `video`: a second picture beside the one that is upscaled. */
  readonly type: 'audio' | 'subtitle' | 'attachment' | 'data' | 'cover' | 'video';
  readonly codec: string;
  readonly language: string | undefined;
  /** File name of an attachment, title of a track. */
  readonly title: string | undefined;
  /** For a `data` stream: the four-character code, e.g. `tmcd`. */
  readonly tag: string | undefined;
  /** What the file marks the track as, in ffmpeg's names: `default`, `forced`, `comment` … */
  readonly dispositions: readonly string[];
  /** Whether it is sound that the file announces and that was not found in it. */
  readonly silent: boolean;
}

/** A source of pictures that are files of their own: one, or a row of numbered ones. */
export interface PictureSource {
  /** Name of their kind: PNG, JPEG, WebP, TIFF, BMP, DPX or EXR. */
  readonly kind: string;
  /** ffmpeg options that go before `-i`: the demuxer, the decoder and what they need. */
  readonly options: readonly string[];
  /** What ffmpeg opens. */
  readonly url: string;
  /** Filters that turn a picture upright where ffmpeg does not by itself. */
  readonly turn: readonly string[];
  /** What their colour profile (ICC) is about: `RGB`, `GRAY`, `CMYK` … `unknown` where it is broken; undefined: they have none. */
  readonly profile: string | undefined;
  /** Whether samples are a press's four inks, which the decoder makes RGB without knowing their profile. */
  readonly inks: boolean;
  /** Whether samples are linear light without bounds, which becomes sRGB. */
  readonly linear: boolean;
  /** The row; undefined: one picture. */
  readonly sequence: PictureSequence | undefined;
}

/** Numbered pictures without a gap. */
export interface PictureSequence {
  readonly pattern: Pattern;
  /** Number of the first. */
  readonly first: number;
  readonly count: number;
}

/** What a media file holds, as far as upscaling cares. */
export interface MediaInfo {
  /** As it was given: a file, or the pattern of a sequence. */
  readonly path: string;
  /** ffmpeg demuxer names, e.g. `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly format: string;
  /** Seconds; the first timestamp of any stream. */
  readonly startTime: number;
  /** Seconds; undefined when the file does not say. */
  readonly duration: number | undefined;
  readonly bytes: number;
  /** Whether a track of sound is not yet known after the first seconds: it begins late, or never. */
  readonly lateSound: boolean;
  readonly video: VideoStream;
  readonly others: readonly OtherStream[];
  readonly chapters: number;
  /** Numbers, from 0, of the chapters without a title. */
  readonly untitledChapters: readonly number[];
  /** Whether the file has tags by QuickTime's keys (`com.apple.quicktime.…`). */
  readonly quicktimeKeys: boolean;
  /** SMPTE time code of the first frame, e.g. `01:00:00:00`. */
  readonly timecode: string | undefined;
  /** Where the source is no video file but pictures. */
  readonly pictures: PictureSource | undefined;
}
