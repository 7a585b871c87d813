import { lastValueFrom, map, tap } from 'rxjs';
import { previewFrame } from '../pipeline/preview-frame.js';
import { upscaleVideo } from '../pipeline/upscale-video.js';
import { TinySRError } from '../shared/errors.js';
import { runBatch } from './batch.js';
import { type CliValues, videoOptions } from './cli-values.js';
import type { InputFile } from './foreign-names.js';
import { jsonStreamFor } from './json-stream.js';
import { createReporter } from './reporter.js';

function usage(message: string, hint: string): TinySRError {
  return new TinySRError('TSR_USAGE', message, { hint });
}

function checkRange({ start = 0, end }: CliValues): void {
  if (end !== undefined && end <= start)
    throw usage('--end is not after --start', 'Times count from the start of the video.');
}

/** What is about videos, or about batches, means nothing for others: better said than passed over. */
function checkCombination(files: readonly string[], values: CliValues): void {
  const { preview, start, end, frames, outDir, skipExisting, resume, steady, ext, format } = values;
  if (preview !== undefined && [start, end, frames].some((value) => value !== undefined)) {
    throw usage('--preview shows one frame of the whole video', 'Leave out --start, --end and --frames.');
  }
  if (preview !== undefined && steady)
    throw usage('--preview is one frame, which --steady does not change', 'Leave out --steady.');
  if (preview !== undefined && resume)
    throw usage('--preview is one frame, which is not resumed', 'Leave out --resume.');
  if (outDir === undefined && (skipExisting || ext !== undefined)) {
    throw usage('--skip-existing and --ext are for batches', 'Add --out-dir, or name the output.');
  }
  if (format !== undefined && (outDir !== undefined || files[1] !== '-')) {
    throw usage('--format is for stdout', "A file's container goes by its extension.");
  }
}

/** The error with the file called as the user knows it. */
function inTheirWords(error: unknown, { path, shown }: InputFile): unknown {
  if (path === shown || !(error instanceof TinySRError) || !error.message.includes(path)) return error;
  const { code, message, hint } = error;
  return new TinySRError(
    code,
    message.replaceAll(path, () => shown),
    { ...(hint !== undefined && { hint }), cause: error },
  );
}

/** Upscales one video and tells how it goes. */
export async function upscaleOne(
  values: CliValues,
  input: InputFile,
  output: string,
  signal: AbortSignal,
): Promise<void> {
  const jsonStream = jsonStreamFor([input.path, output]);
  const reporter = createReporter({ json: values.json ?? false, quiet: values.quiet ?? false, jsonStream });
  try {
    await lastValueFrom(
      upscaleVideo(videoOptions(values, input.path, output, signal)).pipe(
        map((event) => (event.type === 'start' ? { ...event, input: input.shown } : event)),
        tap((event) => reporter.event(event)),
      ),
      { defaultValue: undefined },
    );
  } catch (error) {
    throw inTheirWords(error, input);
  } finally {
    reporter.clear();
  }
}

/** The main command: one video, one preview, or a batch. */
export async function upscaleCommand(files: readonly string[], values: CliValues, signal: AbortSignal): Promise<void> {
  checkRange(values);
  checkCombination(files, values);
  if (values.outDir !== undefined) {
    if (values.preview !== undefined)
      throw usage('--preview and --out-dir do not go together', 'Preview one video at a time.');
    await runBatch(files, values.outDir, values, signal);
    return;
  }
  if (files[0] === '-' && process.stdin.isTTY) {
    throw usage(
      'the video would come from the terminal',
      'Pipe a video in, for example: tinysr-video - out.mp4 < in.mp4',
    );
  }
  const [input, output, ...more] = files;
  if (input === undefined || output === undefined) {
    throw usage('an input and an output are needed', 'For example: tinysr-video in.mp4 out.mp4');
  }
  if (more.length)
    throw usage(`${files.length} files were given`, 'Give one input and one output, or several inputs with --out-dir.');
  if (values.preview !== undefined) {
    const { scale, depth } = videoOptions(values, input, output, signal);
    const warnings = await previewFrame({ ...values, scale, depth, input, output, signal, frame: values.preview });
    const { json = false, quiet = false } = values;
    const reporter = createReporter({ json, quiet, jsonStream: process.stdout });
    for (const message of warnings) reporter.event({ type: 'warning', message });
    const event = { type: 'preview', output, frame: values.preview };
    if (json) process.stdout.write(`${JSON.stringify(event)}\n`);
    return;
  }
  if (output === '-' && process.stdout.isTTY) {
    throw usage('the video would go to the terminal', 'Redirect stdout, for example: tinysr-video in.mp4 - | mpv -');
  }
  await upscaleOne(values, { path: input, shown: input }, output, signal);
}
