import { extname } from 'node:path';
import { TinySRError } from '../shared/errors.js';
import type { OtherStream } from '../shared/media.js';
import type { Codec } from './codecs.js';
import { COVER_CODECS } from './covers.js';
import { PICTURE_OUTPUTS } from './pictures/formats.js';

/** What becomes of a stream: `copy`, an ffmpeg encoder name, or undefined when it must be dropped. */
export type Fate = string | undefined;

/** An output container and what it holds. */
export interface Container {
  /** ffmpeg muxer. */
  readonly muxer: 'mp4' | 'mov' | 'matroska' | 'webm' | 'mpegts' | 'image2';
  readonly extensions: readonly string[];
  /** Video codecs it holds; the first is the default. */
  readonly codecs: readonly Codec[];
  /** Audio codecs copied as they are. */
  readonly audio: readonly string[];
  /** Encoder for other audio; undefined: dropped. */
  readonly audioEncoder: string | undefined;
  /** Channel layouts that encoder takes, where they are few; others are mixed into the nearest. */
  readonly audioLayouts?: string;
  /** Subtitle codecs copied. */
  readonly subtitles: readonly string[] | '*';
  /** Encoder for other text subtitles; undefined: dropped. */
  readonly textEncoder: string | undefined;
  readonly attachments: boolean;
  /** How cover art is kept. */
  readonly covers: 'stream' | 'attachment' | undefined;
  /** Picture codecs that may be a cover. */
  readonly coverCodecs: readonly string[];
  readonly chapters: boolean;
  /** Options of the muxer. */
  readonly options: readonly string[];
}

const ISO_AUDIO = ['aac', 'mp3', 'ac3', 'eac3', 'alac', 'opus', 'flac', 'dts'];
const PCM = ['pcm_s16le', 'pcm_s24le', 'pcm_s32le', 'pcm_s16be', 'pcm_s24be', 'pcm_s32be', 'pcm_f32le', 'pcm_u8'];
const NO_SHIFT = ['-avoid_negative_ts', 'disabled'];
/** What has a codec id in Matroska, or a tag of Windows' own, which Matroska takes too. */
const MATROSKA_AUDIO = [
  ...[
    'aac',
    'mp1',
    'mp2',
    'mp3',
    'ac3',
    'eac3',
    'dts',
    'truehd',
    'mlp',
    'alac',
    'flac',
    'opus',
    'vorbis',
    'tta',
    'wavpack',
  ],
  ...['pcm_u8', 'pcm_s16le', 'pcm_s24le', 'pcm_s32le', 'pcm_s16be', 'pcm_s24be', 'pcm_s32be', 'pcm_f32le', 'pcm_f64le'],
  ...['pcm_alaw', 'pcm_mulaw', 'adpcm_ms', 'adpcm_ima_wav', 'wmav1', 'wmav2', 'wmapro', 'wmavoice', 'amr_nb', 'amr_wb'],
  ...['ra_144', 'ra_288', 'cook', 'sipr', 'atrac3', 'gsm_ms'],
];
/** What the index of mp4 can name. */
const ISO_COVERS = ['mjpeg', 'png', 'bmp'];
/** Which track is default stays as it was. */
const DEFAULTS_KEPT = ['-default_mode', 'passthrough'];

const CONTAINERS: readonly Container[] = [
  {
    muxer: 'mp4',
    extensions: ['.mp4', '.m4v'],
    codecs: ['h264', 'hevc', 'av1', 'vp9'],
    audio: ISO_AUDIO,
    audioEncoder: 'aac',
    subtitles: ['mov_text'],
    textEncoder: 'mov_text',
    attachments: false,
    covers: 'stream',
    coverCodecs: ISO_COVERS,
    chapters: true,
    options: [...NO_SHIFT, '-movflags', '+faststart'],
  },
  {
    muxer: 'mov',
    extensions: ['.mov'],
    codecs: ['h264', 'hevc', 'prores'],
    audio: ['aac', 'mp3', 'ac3', 'eac3', 'alac', ...PCM],
    audioEncoder: 'aac',
    subtitles: ['mov_text'],
    textEncoder: 'mov_text',
    attachments: false,
    // ffmpeg's muxer for it writes none.
    covers: undefined,
    coverCodecs: [],
    chapters: true,
    options: [...NO_SHIFT, '-movflags', '+faststart'],
  },
  {
    muxer: 'matroska',
    extensions: ['.mkv'],
    codecs: ['h264', 'hevc', 'av1', 'vp9', 'prores', 'ffv1'],
    audio: MATROSKA_AUDIO,
    audioEncoder: 'flac',
    subtitles: ['subrip', 'ass', 'ssa', 'webvtt', 'hdmv_pgs_subtitle', 'dvd_subtitle', 'dvb_subtitle'],
    textEncoder: 'subrip',
    attachments: true,
    covers: 'attachment',
    coverCodecs: COVER_CODECS,
    chapters: true,
    options: [...NO_SHIFT, ...DEFAULTS_KEPT],
  },
  {
    muxer: 'webm',
    extensions: ['.webm'],
    codecs: ['vp9', 'av1'],
    audio: ['opus', 'vorbis'],
    audioEncoder: 'libopus',
    audioLayouts: '7.1|6.1|5.1|5.0|quad|3.0|stereo|mono',
    subtitles: ['webvtt'],
    textEncoder: 'webvtt',
    attachments: false,
    covers: undefined,
    coverCodecs: [],
    chapters: true,
    options: [...NO_SHIFT, ...DEFAULTS_KEPT],
  },
  {
    muxer: 'mpegts',
    extensions: ['.ts', '.m2ts', '.mts'],
    codecs: ['h264', 'hevc'],
    audio: ['aac', 'mp2', 'mp3', 'ac3', 'eac3', 'dts', 'opus'],
    audioEncoder: 'aac',
    subtitles: ['dvb_subtitle', 'dvb_teletext'],
    textEncoder: undefined,
    attachments: false,
    covers: undefined,
    coverCodecs: [],
    chapters: false,
    options: ['-muxdelay', '0', '-muxpreload', '0'],
  },
];

/** Pictures as files of their own, which hold nothing but pictures. */
export const PICTURES: Container = {
  ...{ muxer: 'image2', extensions: PICTURE_OUTPUTS, codecs: [], audio: [], audioEncoder: undefined, subtitles: [] },
  ...{ textEncoder: undefined, attachments: false, covers: undefined, coverCodecs: [], chapters: false, options: [] },
};

const TEXT_SUBTITLES = [
  'subrip',
  'ass',
  'ssa',
  'webvtt',
  'mov_text',
  'text',
  'srt',
  'eia_608',
  'subviewer',
  'microdvd',
];

/** The containers as docs/containers.md tabulates them. */
export const CONTAINERS_TABLE = CONTAINERS.map((container) => ({
  container: container.muxer,
  extensions: container.extensions.join(' '),
  codecs: container.codecs.join(', '),
  audio: `copied: ${container.audio.join(', ')}; else ${container.audioEncoder}`,
  subtitles:
    container.subtitles === '*'
      ? 'all copied'
      : `copied: ${container.subtitles.join(', ')}; ${container.textEncoder ? `other text: ${container.textEncoder}` : 'else dropped'}`,
}));

/** Folder extensions that a video written by this project can have. */
export const OUTPUT_EXTENSIONS = CONTAINERS.flatMap(({ extensions }) => extensions);

/**
 * The container for an output path, by its extension.
 *
 * @throws TinySRError `TSR_OUTPUT_FORMAT`
 */
export function containerFor(path: string): Container {
  const extension = extname(path).toLowerCase();
  const found = [...CONTAINERS, PICTURES].find(({ extensions }) => extensions.includes(extension));
  if (found) return found;
  throw new TinySRError(
    'TSR_OUTPUT_FORMAT',
    `${path}: ${extension || 'no extension'} is not a container that can be written`,
    {
      hint: `Use one of ${[...OUTPUT_EXTENSIONS, ...PICTURE_OUTPUTS].join(' ')}${extension === '.avi' ? '; AVI cannot keep timestamps' : ''}.`,
    },
  );
}

/** The container that `--format` names for stdout. */
export function containerNamed(muxer: string): Container | undefined {
  return CONTAINERS.find((container) => container.muxer === muxer);
}

/** Sound that ffmpeg cannot decode: what it has no name for (Apple's spatial track), and what it knows by name alone. */
const UNDECODED = ['unknown', 'none', 'apac', 'ac4', 'mpegh_3d_audio'];

/** What becomes of a stream that is carried along into a container. */
export function fateOf(stream: OtherStream, container: Container): Fate {
  switch (stream.type) {
    case 'audio':
      if (stream.silent) return undefined;
      if (container.audio.includes(stream.codec)) return 'copy';
      return UNDECODED.includes(stream.codec) ? undefined : container.audioEncoder;
    case 'subtitle':
      if (container.subtitles === '*' || container.subtitles.includes(stream.codec)) return 'copy';
      return TEXT_SUBTITLES.includes(stream.codec) ? container.textEncoder : undefined;
    case 'attachment':
      return container.attachments ? 'copy' : undefined;
    case 'cover':
      return container.coverCodecs.includes(stream.codec) ? 'copy' : undefined;
    case 'data':
    case 'video':
      return undefined;
  }
}
