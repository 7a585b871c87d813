import { run } from '../lib/run.mjs';
import { installPackages } from './packages.mjs';
import { SetupError } from './step.mjs';

const OLDEST = [5, 1];
const DOWNLOAD = 'https://ffmpeg.org/download.html';

/**
 * Makes sure that ffmpeg and ffprobe run and are new enough.
 *
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<string>} the version there is
 */
export async function setUpFfmpeg({ log }) {
  const before = await inspect();
  if (!before.problem) return before.version;
  const named = ['TINYSR_FFMPEG', 'TINYSR_FFPROBE'].filter((name) => process.env[name]);
  if (named.length > 0) throw new SetupError(`${before.problem}; correct or unset ${named.join(' and ')}`);
  await installPackages({
    problem: before.problem,
    names: {
      'apt-get': [['ffmpeg']],
      // Fedora's own build is named ffmpeg-free; "ffmpeg" comes from RPM Fusion, with more codecs.
      dnf: [['ffmpeg'], ['ffmpeg-free']],
      pacman: [['ffmpeg']],
      brew: [['ffmpeg']],
    },
    otherwise: `install ${OLDEST.join('.')} or newer and put it on PATH: ${DOWNLOAD}`,
    log,
  });
  const after = await inspect();
  if (after.problem) {
    throw new SetupError(`${after.problem} after installing it; put a newer one on PATH: ${DOWNLOAD}`);
  }
  return after.version;
}

/** Both programs' state: a version, or what is wrong. */
async function inspect() {
  const found = await Promise.all(['ffmpeg', 'ffprobe'].map(inspectTool));
  return found.find(({ problem }) => problem) ?? found[0];
}

async function inspectTool(tool) {
  const program = process.env[`TINYSR_${tool.toUpperCase()}`] || tool;
  let text;
  try {
    text = await run(program, ['-hide_banner', '-version'], { timeoutMs: 10_000 });
  } catch (error) {
    return { problem: error.code === 'ENOENT' ? `${program} is missing` : `${program} does not start` };
  }
  const version = /version (\S+)/.exec(text)?.[1] ?? 'unknown';
  if (!isRecentEnough(version))
    return { problem: `${program} is version ${version}, not ${OLDEST.join('.')} or newer` };
  return { version };
}

/** The same rule as src/shared/ffmpeg.ts: builds from git count as new. */
function isRecentEnough(version) {
  const match = /^n?(\d+)\.(\d+)/.exec(version);
  if (!match) return /^N-\d+|git/.test(version);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
