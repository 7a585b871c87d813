import { TinySRError } from '../shared/errors.js';
import type { FfmpegInfo } from '../shared/ffmpeg.js';

/** Codecs a user can name. */
export const CODECS = ['h264', 'hevc', 'av1', 'vp9', 'prores', 'ffv1'] as const;
/** A codec name. */
export type Codec = (typeof CODECS)[number];

/** How one encoder of ffmpeg is asked for quality and speed. */
export interface EncoderKind {
  readonly codec: Codec;
  /** Options for a quality on the encoder's own scale (lower is better); undefined where there is none. */
  readonly quality: ((crf: number) => readonly string[]) | undefined;
  readonly defaultQuality: number | undefined;
  /** Options for a named speed; undefined where there is none. */
  readonly preset: ((preset: string) => readonly string[]) | undefined;
  readonly defaultPreset: string | undefined;
  /** Options it always needs. */
  readonly always?: readonly string[];
  /** Pixel formats for 8 and 10 bits; undefined where it has no such depth. */
  readonly pixelFormats: { readonly 8: string | undefined; readonly 10: string | undefined };
  /** Whether PQ and HLG can be marked in what it writes. */
  readonly hdr: boolean;
}

const preset = (name: string) => ['-preset', name];
const crf = (value: number) => ['-crf', String(value)];
const constantQuality = (value: number) => ['-crf', String(value), '-b:v', '0'];
const PLANAR = { 8: 'yuv420p', 10: 'yuv420p10le' };
const HARDWARE = { 8: 'nv12', 10: 'p010le' };

const SOFTWARE: Readonly<Record<string, EncoderKind>> = {
  libx264: {
    codec: 'h264',
    quality: crf,
    defaultQuality: 18,
    preset,
    defaultPreset: 'veryfast',
    pixelFormats: PLANAR,
    hdr: false,
  },
  libx265: {
    codec: 'hevc',
    quality: crf,
    defaultQuality: 20,
    preset,
    defaultPreset: 'fast',
    pixelFormats: PLANAR,
    hdr: true,
  },
  libsvtav1: {
    codec: 'av1',
    quality: crf,
    defaultQuality: 28,
    preset,
    defaultPreset: '8',
    pixelFormats: PLANAR,
    hdr: true,
  },
  'libaom-av1': {
    codec: 'av1',
    quality: constantQuality,
    defaultQuality: 26,
    preset: (name) => ['-cpu-used', name],
    defaultPreset: '6',
    always: ['-row-mt', '1'],
    pixelFormats: PLANAR,
    hdr: true,
  },
  'libvpx-vp9': {
    codec: 'vp9',
    quality: constantQuality,
    defaultQuality: 26,
    preset: (name) => ['-cpu-used', name],
    defaultPreset: '4',
    always: ['-deadline', 'good', '-row-mt', '1'],
    pixelFormats: PLANAR,
    hdr: true,
  },
  prores_ks: {
    codec: 'prores',
    quality: (value) => ['-qscale:v', String(value)],
    defaultQuality: 9,
    preset: (name) => ['-profile:v', name],
    defaultPreset: 'hq',
    always: ['-vendor', 'apl0'],
    pixelFormats: { 8: 'yuv422p10le', 10: 'yuv422p10le' },
    hdr: false,
  },
  ffv1: {
    codec: 'ffv1',
    quality: undefined,
    defaultQuality: undefined,
    preset: undefined,
    defaultPreset: undefined,
    always: ['-level', '3', '-slicecrc', '1', '-slices', '16'],
    pixelFormats: { 8: 'yuv420p', 10: 'yuv420p10le' },
    hdr: true,
  },
};

const HARDWARE_QUALITY: Readonly<Record<string, (value: number) => readonly string[]>> = {
  nvenc: (value) => ['-rc', 'vbr', '-cq', String(value), '-b:v', '0'],
  qsv: (value) => ['-global_quality', String(value)],
  vaapi: (value) => ['-qp', String(value)],
  amf: (value) => ['-rc', 'cqp', '-qp_i', String(value), '-qp_p', String(value)],
  // 1..100, higher is better: turned round to the scale of the others.
  videotoolbox: (value) => ['-q:v', String(Math.max(1, Math.min(100, 100 - 2 * value)))],
};

/** Encoders tried for each codec, best first. */
const BY_CODEC: Readonly<Record<Codec, readonly string[]>> = {
  h264: ['libx264'],
  hevc: ['libx265'],
  av1: ['libsvtav1', 'libaom-av1'],
  vp9: ['libvpx-vp9'],
  prores: ['prores_ks'],
  ffv1: ['ffv1'],
};

/** What is known of an encoder; hardware encoders by their family's suffix. */
export function encoderKind(name: string): EncoderKind | undefined {
  const software = SOFTWARE[name];
  if (software) return software;
  const match = /^(h264|hevc|av1|vp9|prores)_(nvenc|qsv|vaapi|amf|videotoolbox)$/.exec(name);
  const codec = CODECS.find((known) => known === match?.[1]);
  if (!match || !codec) return undefined;
  const hasPreset = match[2] === 'nvenc' || match[2] === 'qsv';
  return {
    codec,
    quality: HARDWARE_QUALITY[match[2] ?? ''],
    defaultQuality: 20,
    preset: hasPreset ? preset : undefined,
    defaultPreset: undefined,
    pixelFormats: codec === 'h264' ? { ...HARDWARE, 10: undefined } : HARDWARE,
    hdr: codec !== 'h264',
  };
}

/**
 * The encoder for a codec, or the one the user named.
 *
 * @throws TinySRError `TSR_ENCODER_MISSING` when this ffmpeg does not have it, `TSR_USAGE` when it does not fit the codec
 */
export function chooseEncoder(ffmpeg: FfmpegInfo, codec: Codec, named: string | undefined): string {
  if (named === undefined) {
    const found = BY_CODEC[codec].find((name) => ffmpeg.encoders.has(name));
    if (found) return found;
    throw new TinySRError('TSR_ENCODER_MISSING', `this ffmpeg (${ffmpeg.version}) has no encoder for ${codec}`, {
      hint: `Install an ffmpeg with ${BY_CODEC[codec].join(' or ')}, or choose another --codec.`,
    });
  }
  if (!ffmpeg.encoders.has(named)) {
    throw new TinySRError('TSR_ENCODER_MISSING', `this ffmpeg (${ffmpeg.version}) has no encoder named ${named}`, {
      hint: 'tinysr-video doctor lists the encoders it has.',
    });
  }
  const kind = encoderKind(named);
  if (!kind || kind.codec !== codec) {
    const what = kind ? `makes ${kind.codec}, not ${codec}` : 'is none that can be used here';
    throw new TinySRError('TSR_USAGE', `encoder ${named} ${what}`, {
      hint: `Encoders for ${codec}: ${BY_CODEC[codec].join(', ')} and ${codec}_nvenc, ${codec}_qsv, ${codec}_vaapi and the like.`,
    });
  }
  return named;
}

/** The codec an encoder makes; undefined for one that is not known. */
export function codecOfEncoder(name: string): Codec | undefined {
  return encoderKind(name)?.codec;
}
