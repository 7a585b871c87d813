import { describe, expect, it } from 'vitest';
import { CODECS, codecOfEncoder, encoderKind } from '#src/encode/codecs.js';
import {
  CONTAINERS_TABLE,
  type Container,
  containerFor,
  containerNamed,
  fateOf,
  OUTPUT_EXTENSIONS,
} from '#src/encode/containers.js';
import { encodeError } from '#src/encode/encode-error.js';
import type { OtherStream } from '#src/shared/media.js';

const stream = (type: OtherStream['type'], codec: string): OtherStream => ({
  ...{ index: 1, type, codec, language: undefined, title: undefined, tag: undefined, dispositions: [], silent: false },
});
const container = (name: string): Container => containerFor(`a.${name}`);

describe('the table of containers', () => {
  it.each([
    ['mp4', 'audio', 'aac', 'copy'],
    ['mp4', 'audio', 'pcm_s16le', 'aac'],
    ['mp4', 'audio', 'vorbis', 'aac'],
    ['mp4', 'subtitle', 'subrip', 'mov_text'],
    ['mp4', 'subtitle', 'hdmv_pgs_subtitle', undefined],
    ['mp4', 'attachment', 'ttf', undefined],
    ['mp4', 'cover', 'mjpeg', 'copy'],
    ['mov', 'audio', 'pcm_s24le', 'copy'],
    ['mov', 'audio', 'opus', 'aac'],
    ['mkv', 'audio', 'truehd', 'copy'],
    ['mkv', 'audio', 'pcm_bluray', 'flac'],
    ['mkv', 'audio', 'nellymoser', 'flac'],
    ['mkv', 'video', 'h264', undefined],
    ['mkv', 'subtitle', 'ass', 'copy'],
    ['mkv', 'subtitle', 'mov_text', 'subrip'],
    ['mkv', 'attachment', 'ttf', 'copy'],
    ['mkv', 'data', 'bin_data', undefined],
    ['webm', 'audio', 'opus', 'copy'],
    ['webm', 'audio', 'aac', 'libopus'],
    ['webm', 'subtitle', 'subrip', 'webvtt'],
    ['webm', 'cover', 'png', undefined],
    ['ts', 'audio', 'ac3', 'copy'],
    ['ts', 'audio', 'flac', 'aac'],
    ['ts', 'subtitle', 'dvb_subtitle', 'copy'],
    ['ts', 'subtitle', 'subrip', undefined],
  ] as const)('.%s: %s %s -> %s', (name, type, codec, fate) => {
    expect(fateOf(stream(type, codec), container(name))).toBe(fate);
  });

  it('knows a container by its extension, in capitals too', () => {
    expect(container('MP4').muxer).toBe('mp4');
    expect(containerFor('/a.b/c.m2ts').muxer).toBe('mpegts');
    expect(containerNamed('matroska')).toBe(container('mkv'));
    expect(containerNamed('avi')).toBeUndefined();
    for (const extension of OUTPUT_EXTENSIONS) expect(containerFor(`x${extension}`).extensions).toContain(extension);
  });

  it.each(['a.avi', 'a', 'a.', 'mp4', '.mp4'])('%s is no container that can be written', (path) => {
    expect(() => containerFor(path)).toThrow(expect.objectContaining({ code: 'TSR_OUTPUT_FORMAT' }));
  });

  it('has a row for the docs for every container, and only codecs that are known', () => {
    expect(CONTAINERS_TABLE.map((row) => row.container)).toEqual(['mp4', 'mov', 'matroska', 'webm', 'mpegts']);
    for (const { codecs } of CONTAINERS_TABLE) {
      for (const codec of codecs.split(', ')) expect(CODECS).toContain(codec);
    }
  });
});

describe('encoders', () => {
  it.each([
    ['libx264', 'h264'],
    ['hevc_nvenc', 'hevc'],
    ['av1_qsv', 'av1'],
    ['vp9_vaapi', 'vp9'],
    ['prores_videotoolbox', 'prores'],
    ['mpeg4', undefined],
    ['h264_magic', undefined],
  ])('%s makes %s', (encoder, codec) => {
    expect(codecOfEncoder(encoder)).toBe(codec);
  });

  it.each([
    ['libx264', 20, ['-crf', '20']],
    ['libvpx-vp9', 30, ['-crf', '30', '-b:v', '0']],
    ['h264_nvenc', 23, ['-rc', 'vbr', '-cq', '23', '-b:v', '0']],
    ['hevc_videotoolbox', 20, ['-q:v', '60']],
    ['hevc_videotoolbox', 90, ['-q:v', '1']],
  ])('%s is asked for quality %i by %j', (encoder, quality, options) => {
    expect(encoderKind(encoder)?.quality?.(quality)).toEqual(options);
  });
});

describe('the end of an encoder', () => {
  const end = (stderr: string, code: number | null = 1, signal: NodeJS.Signals | null = null) =>
    encodeError('out.mp4', 'libx264', { code, signal, stderr })?.code;

  it.each([
    ['', 0, undefined],
    ['av_interleaved_write_frame(): No space left on device', 1, 'TSR_OUTPUT_DISK_FULL'],
    // ffmpeg ends well although the trailer could not be written.
    ['Error writing trailer: No space left on device', 0, 'TSR_OUTPUT_DISK_FULL'],
    ['Error initializing output stream 0:0 -- Error while opening encoder', 1, 'TSR_ENCODER_MISSING'],
    ['file:/proc/x.part: No such file or directory', 1, 'TSR_OUTPUT_UNWRITABLE'],
    ['file:/x/y.part: Permission denied', 1, 'TSR_OUTPUT_UNWRITABLE'],
    ['av_interleaved_write_frame(): Broken pipe', 1, 'TSR_OUTPUT_UNWRITABLE'],
    ['av_interleaved_write_frame(): Disk quota exceeded', 1, 'TSR_OUTPUT_DISK_FULL'],
    ['av_interleaved_write_frame(): File too large', 1, 'TSR_OUTPUT_DISK_FULL'],
    ["Invalid pixel format 'x'\nError initializing a simple filtergraph", 1, 'TSR_ENCODER_MISSING'],
    ['Error initializing output stream 0:1 -- Error while opening encoder', 1, 'TSR_OUTPUT_FORMAT'],
    ['Error initializing output stream 0:10 -- Error while opening encoder', 1, 'TSR_OUTPUT_FORMAT'],
    ['Could not write header for output file #0\nError initializing output stream 0:0 -- ', 1, 'TSR_OUTPUT_FORMAT'],
    ['something else', 1, 'TSR_ENCODE_FAILED'],
    ['', 255, 'TSR_ENCODE_FAILED'],
  ])('%j with status %i is %s', (stderr, code, expected) => {
    expect(end(stderr, code)).toBe(expected);
  });

  it('over a track that Matroska refuses does not advise Matroska', () => {
    const exit = {
      code: 1,
      signal: null,
      stderr: 'Error initializing output stream 0:1 -- Error while opening encoder',
    };
    expect(encodeError('out.mp4', 'libx264', exit, { muxer: 'mp4' })?.hint).toMatch(/Write Matroska/);
    expect(encodeError('out.mkv', 'libx264', exit, { muxer: 'matroska' })?.hint).not.toMatch(/Write Matroska/);
  });

  it('by a signal is a failure, and of a full disk still that of a full disk', () => {
    expect(end('', null, 'SIGKILL')).toBe('TSR_ENCODE_FAILED');
    expect(end('', null, 'SIGPIPE')).toBe('TSR_OUTPUT_UNWRITABLE');
    expect(end('', null, 'SIGXFSZ')).toBe('TSR_OUTPUT_DISK_FULL');
    expect(end('No space left on device', null, 'SIGKILL')).toBe('TSR_OUTPUT_DISK_FULL');
  });
});
