import { runTool } from '../shared/ffmpeg.js';
import { fileUrl, SAFE_INPUT_OPTIONS } from '../shared/input-options.js';
import type { MediaInfo, Stereo } from '../shared/media.js';

/** Codecs whose pictures may say it themselves, in a message (SEI). */
const WITH_MESSAGES = ['h264', 'hevc'];

/** As the showinfo filter tells it; ffprobe of 5.1 says of a frame that it is 3D, and not how. */
const TOLD = /stereoscopic information: type - (.*?)( \(inverted\))?$/m;

/**
 * How the two views of a 3D picture lie, as its first frame says it. Not asked where the container has said it: that is
 * the newer word. Costs a process that decodes one frame.
 *
 * @returns undefined for a picture of one view
 */
export async function stereoOfPicture({ path, video }: MediaInfo, signal?: AbortSignal): Promise<Stereo | undefined> {
  if (video.stereo || !WITH_MESSAGES.includes(video.codec)) return video.stereo;
  const look = ['-map', `0:${video.index}`, '-vf', 'showinfo', '-frames:v', '1', '-f', 'null', '-'];
  const { stderr } = await runTool(
    'ffmpeg',
    ['-hide_banner', '-nostdin', '-v', 'info', '-threads', '1', ...SAFE_INPUT_OPTIONS, '-i', fileUrl(path), ...look],
    signal,
  );
  const [, arrangement, inverted] = TOLD.exec(stderr) ?? [];
  return arrangement === undefined || arrangement === '2D'
    ? undefined
    : { arrangement, inverted: inverted !== undefined };
}
