import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const FRAMES = 300;
/** Pixel format of frames in a device's memory, by decoder. */
const ON_DEVICE = { videotoolbox: 'videotoolbox_vld', d3d11va: 'd3d11', dxva2: 'dxva2_vld', drm: 'drm_prime' };
const ENCODERS = /^ V\S+ ((?:h264|hevc|av1)_(?:nvenc|qsv|vaapi|amf|videotoolbox))\b/gm;

/** Runs ffmpeg. @returns what it wrote to stdout and stderr */
async function ffmpeg(args, timeoutMs = 120_000) {
  const { stdout, stderr } = await execute('ffmpeg', ['-hide_banner', '-nostdin', '-y', ...args], {
    timeout: timeoutMs,
    maxBuffer: 1 << 24,
  });
  return { stdout, stderr };
}

/** Frames a second of an ffmpeg run; an error, or anything said at error level, is the reason why there are none. */
async function rate(args) {
  const started = performance.now();
  try {
    const { stderr } = await ffmpeg(['-v', 'error', ...args]);
    if (stderr.trim()) throw new Error(stderr);
    return { fps: (FRAMES * 1000) / (performance.now() - started), error: null };
  } catch (error) {
    const said = String(error.stderr || error.message).trim();
    return { fps: null, error: said.split('\n')[0].replace(/^\[[^\]]*\] /, '') };
  }
}

const listed = async (option, pattern) =>
  [...(await ffmpeg([option])).stdout.matchAll(pattern)].map(([, name]) => name);

/**
 * Decodes and encodes 1920x1080 by each way that this ffmpeg was built with; most of them need hardware that is not there.
 *
 * @param {string} scratch folder for the clip
 */
export async function measureHardware(scratch) {
  const clip = join(scratch, 'hardware.mp4');
  const picture = 'testsrc2=size=1920x1080:rate=30,noise=alls=6:allf=t';
  const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '23', '-pix_fmt', 'yuv420p'];
  await ffmpeg(['-v', 'error', '-f', 'lavfi', '-i', picture, '-frames:v', String(FRAMES), ...h264, clip]);
  const decode = [];
  const methods = (await listed('-hwaccels', /^(\w+)$/gm)).filter((name) => name !== 'Hardware');
  for (const method of [null, ...methods]) {
    // Frames are fetched from the device: the line needs them, and software frames would fail there.
    const device = ['-hwaccel', method, '-hwaccel_output_format', ON_DEVICE[method] ?? method];
    const [before, after] =
      method === null
        ? [[], []]
        : [
            ['-init_hw_device', method, ...device],
            ['-vf', 'hwdownload,format=nv12'],
          ];
    decode.push({ name: method ?? 'software', ...(await rate([...before, '-i', clip, ...after, '-f', 'null', '-'])) });
  }
  const encode = [];
  for (const name of ['libx264', ...(await listed('-encoders', ENCODERS))]) {
    const vaapi = name.endsWith('_vaapi');
    const before = vaapi ? ['-init_hw_device', 'vaapi'] : [];
    const filter = ['-vf', vaapi ? 'format=nv12,hwupload' : name === 'libx264' ? 'format=yuv420p' : 'format=nv12'];
    const preset = name === 'libx264' ? ['-preset', 'veryfast'] : [];
    const run = [...before, '-i', clip, ...filter, '-c:v', name, ...preset, '-f', 'null', '-'];
    encode.push({ name, ...(await rate(run)) });
  }
  return { decode, encode };
}
