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
  // One process tells both, as each takes longer to load its libraries than to answer: the banner has the version.
  const { stdout, stderr } = await runTool('ffmpeg', ['-encoders']);
  const listing = stdout.toString();
  const name = /version (\S+)/.exec(`${stderr}\n${listing}`)?.[1];
  if (!name) throw missing('ffmpeg', new Error(stderr));
  if (!isRecentEnough(name)) {
    throw new TinySRError('TSR_FFMPEG_TOO_OLD', `${path} is version ${name}; ${MIN_FFMPEG} or newer is needed`, {
      hint: 'Install a newer ffmpeg, or set TINYSR_FFMPEG and TINYSR_FFPROBE to one.',
    });
  }
  const encoders = [...listing.matchAll(/^ [VAS][A-Z.]{5} (\S+)/gm)].map((match) => match[1] ?? '');
  return { path, version: name, encoders: new Set(encoders) };
}

/** Hardware decoders that this machine's ffmpeg was built with. @throws TinySRError `TSR_FFMPEG_MISSING` */
export async function listHwaccels(): Promise<string[]> {
  const { stdout } = await runTool('ffmpeg', ['-hide_banner', '-hwaccels']);
  const [, ...names] = stdout.toString().split('\n');
  return names.map((line) => line.trim()).filter(Boolean);
}

/** Whether ffprobe is there and starts. @throws TinySRError `TSR_FFMPEG_MISSING` */
export async function requireFfprobe(): Promise<void> {
  const { code, stderr } = await runTool('ffprobe', ['-hide_banner', '-version']);
  if (code !== 0) throw missing('ffprobe', new Error(stderr));
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
