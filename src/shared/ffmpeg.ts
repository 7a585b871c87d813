import { runChild } from './child.js';
import { TinySRError } from './errors.js';

/** Oldest ffmpeg whose options are used here (`-fps_mode`). */
export const MIN_FFMPEG = '5.1';

/** Program names or paths; `TINYSR_FFMPEG` and `TINYSR_FFPROBE` override PATH. */
export function toolPath(tool: 'ffmpeg' | 'ffprobe'): string {
  return process.env[`TINYSR_${tool.toUpperCase()}`] || tool;
}

/** What this machine's ffmpeg can do. */
export interface FfmpegInfo {
  readonly path: string;
  readonly version: string;
  readonly encoders: ReadonlySet<string>;
  readonly hwaccels: readonly string[];
}

function missing(tool: string, cause: unknown): TinySRError {
  return new TinySRError('TSR_FFMPEG_MISSING', `${tool} cannot be started`, {
    hint: `Install ffmpeg ${MIN_FFMPEG} or newer (Debian: apt-get install ffmpeg), or set TINYSR_FFMPEG and TINYSR_FFPROBE to its path.`,
    cause,
  });
}

/** Runs ffmpeg or ffprobe for its text output. @throws TinySRError `TSR_FFMPEG_MISSING` */
export async function runTool(tool: 'ffmpeg' | 'ffprobe', args: readonly string[], signal?: AbortSignal) {
  try {
    return await runChild(toolPath(tool), args, { signal });
  } catch (error) {
    throw missing(tool, error);
  }
}

/** Whether a version text as ffmpeg prints it is at least `MIN_FFMPEG`; builds from git count as new. */
export function isRecentEnough(version: string): boolean {
  const match = /^n?(\d+)\.(\d+)/.exec(version);
  if (!match) return /^N-\d+|git/.test(version);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > 5 || (major === 5 && minor >= 1);
}

const known = new Map<string, Promise<FfmpegInfo>>();

async function inspect(path: string): Promise<FfmpegInfo> {
  const [version, encoders, hwaccels, probe] = await Promise.all([
    runTool('ffmpeg', ['-hide_banner', '-version']),
    runTool('ffmpeg', ['-hide_banner', '-encoders']),
    runTool('ffmpeg', ['-hide_banner', '-hwaccels']),
    runTool('ffprobe', ['-hide_banner', '-version']),
  ]);
  const name = /version (\S+)/.exec(version.stdout.toString())?.[1];
  if (!name || probe.code !== 0) throw missing(name ? 'ffprobe' : 'ffmpeg', new Error(version.stderr));
  if (!isRecentEnough(name)) {
    throw new TinySRError('TSR_FFMPEG_TOO_OLD', `${path} is version ${name}; ${MIN_FFMPEG} or newer is needed`, {
      hint: 'Install a newer ffmpeg, or set TINYSR_FFMPEG and TINYSR_FFPROBE to one.',
    });
  }
  const listed = [...encoders.stdout.toString().matchAll(/^ [VAS][A-Z.]{5} (\S+)/gm)].map((match) => match[1] ?? '');
  const accelerators = hwaccels.stdout.toString().split('\n').slice(1);
  return {
    path,
    version: name,
    encoders: new Set(listed),
    hwaccels: accelerators.map((line) => line.trim()).filter(Boolean),
  };
}

/**
 * Looks at this machine's ffmpeg once per path.
 *
 * @throws TinySRError `TSR_FFMPEG_MISSING`, `TSR_FFMPEG_TOO_OLD`
 */
export function requireFfmpeg(): Promise<FfmpegInfo> {
  const path = toolPath('ffmpeg');
  const key = `${path}\n${toolPath('ffprobe')}\n${process.env.PATH ?? ''}`;
  let info = known.get(key);
  if (!info) {
    info = inspect(path);
    known.set(key, info);
    // A failure is not remembered: the user may install it while a long-lived process runs.
    info.catch(() => known.delete(key));
  }
  return info;
}
