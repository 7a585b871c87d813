import 'fluent-ffmpeg';

declare module 'fluent-ffmpeg' {
  interface FfmpegCommand {
    /** The argument list fluent-ffmpeg would start ffmpeg with; the package is pinned because of it. */
    _getArguments(): string[];
  }
}
