/** ffmpeg options before a live input on stdin: times as they come, and nothing read ahead to find out what it is. */
export const LIVE_INPUT: readonly string[] = [
  ...['-hide_banner', '-nostdin', '-v', 'error', '-copyts', '-protocol_whitelist', 'pipe'],
  ...['-probesize', '32', '-analyzeduration', '0', '-fpsprobesize', '0'],
];
