/**
 * The line as a plain Python script would do it: ffmpeg -> onnxruntime -> ffmpeg, one frame after the other, with the
 * library's own defaults. The benchmarks run it beside ours on the same clip and graph. It needs onnxruntime and numpy.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dist } from './bench-gpu/dist.mjs';
import { ROOT } from './lib/paths.mjs';

const { chooseVariant } = await dist('infer/choose-variant.js');
const execute = promisify(execFile);

const PYTHON_PIPE = `
import json, subprocess, sys, time
import numpy as np, onnxruntime

clip, graph, output, width, height, scale, layout, pixels, crf, preset = sys.argv[1:]
width, height, scale = int(width), int(height), int(scale)
def yuv(n): return (1, n * height * 3 // 2, n * width)
def rgb(n): return (1, n * height, n * width, 3)
shape = yuv(1) if pixels == "yuv420p" else rgb(1)
nbytes = int(np.prod(shape))
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
started = time.perf_counter()
decoder = subprocess.Popen(["ffmpeg", "-v", "error", "-i", clip, "-f", "rawvideo", "-pix_fmt", pixels, "-"], stdout=subprocess.PIPE)
size = f"{width * scale}x{height * scale}"
encoder = subprocess.Popen(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", pixels, "-s", size, "-r", "30", "-i", "-",
    "-c:v", "libx264", "-preset", preset, "-crf", crf, "-pix_fmt", "yuv420p", output], stdin=subprocess.PIPE)
frames = 0
while True:
    data = decoder.stdout.read(nbytes)
    if len(data) < nbytes: break
    frame = np.frombuffer(data, np.uint8).reshape(shape)
    if layout == "uint8":
        result = session.run(None, {name: frame})[0]
    else:
        tensor = np.ascontiguousarray(frame.transpose(0, 3, 1, 2)).astype(np.float32) / 255
        tensor = session.run(None, {name: tensor})[0]
        result = (tensor.clip(0, 1) * 255 + 0.5).astype(np.uint8).transpose(0, 2, 3, 1)
    encoder.stdin.write(np.ascontiguousarray(result).tobytes())
    frames += 1
encoder.stdin.close()
decoder.wait(); encoder.wait()
print(json.dumps({"frames": frames, "seconds": time.perf_counter() - started, "onnxruntime": onnxruntime.__version__}))
`;

/**
 * A Python with numpy and onnxruntime: the one named, that of TINYSR_PYTHON, or of training/.venv.
 *
 * @param {string | undefined} named
 * @returns {Promise<string | undefined>}
 */
export async function findPython(named) {
  const own = join(ROOT, 'training', '.venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const candidates = [named, process.env.TINYSR_PYTHON, existsSync(own) ? own : undefined].filter(Boolean);
  for (const python of candidates) {
    if (await execute(python, ['-c', 'import numpy, onnxruntime']).catch(() => undefined)) return python;
  }
  return undefined;
}

/**
 * Upscales a clip by the Python script.
 *
 * @param {string} python
 * @param {{ clip: string, output: string, model: import('../dist/infer/types.js').Model, width: number, height: number, encode: { crf: number, preset: string } }} job
 * @returns {Promise<{ frames: number, seconds: number, onnxruntime: string }>}
 */
export async function runPythonPipe(python, { clip, output, model, width, height, encode }) {
  // The graph that the line would run.
  const format = model.variants.some((variant) => variant.format === 'yuv420p') ? 'yuv420p' : 'rgb24';
  const variant = chooseVariant(model, format, 'cpu', 'auto');
  const size = [width, height, model.scale].map(String);
  const tensors = variant.contract ? 'float' : 'uint8';
  const quality = [String(encode.crf), encode.preset];
  const args = ['-c', PYTHON_PIPE, clip, variant.file, output, ...size, tensors, variant.format, ...quality];
  const { stdout } = await execute(python, args);
  return JSON.parse(stdout);
}
