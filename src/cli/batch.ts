import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { containerFor, OUTPUT_EXTENSIONS } from '../encode/containers.js';
import { ensureFolder } from '../encode/output-file.js';
import { refuseSameFile } from '../pipeline/same-file.js';
import { TinySRError } from '../shared/errors.js';
import type { CliValues } from './cli-values.js';
import { printable } from './print.js';
import { reportError } from './report-error.js';
import { upscaleOne } from './upscale-command.js';

/** Extensions by which videos are found in a folder. */
const VIDEO_EXTENSIONS = new Set(
  '.3g2 .3gp .asf .avi .flv .gif .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv .y4m'.split(
    ' ',
  ),
);

interface Job {
  readonly input: string;
  readonly output: string;
}

/** The inputs, folders replaced by the videos directly in them. */
async function expand(inputs: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const input of inputs) {
    const info = await stat(input).catch(() => undefined);
    if (!info?.isDirectory()) {
      files.push(input);
      continue;
    }
    const names = await readdir(input).catch((cause: NodeJS.ErrnoException) => {
      throw new TinySRError('TSR_INPUT_UNREADABLE', `${input}: the folder cannot be read (${cause.code})`, {
        hint: 'Change its permissions.',
        cause,
      });
    });
    const videos = names.filter((name) => !name.startsWith('.') && VIDEO_EXTENSIONS.has(extname(name).toLowerCase()));
    files.push(...videos.sort().map((name) => join(input, name)));
  }
  return files;
}

function outputName(input: string, extension: string | undefined): string {
  const own = extname(input);
  const wanted = extension === undefined ? own.toLowerCase() : `.${extension.replace(/^\./, '').toLowerCase()}`;
  const usable = extension !== undefined || OUTPUT_EXTENSIONS.includes(wanted) ? wanted : '.mkv';
  return `${basename(input, own)}${usable}`;
}

/** Pairs inputs with outputs. @throws TinySRError `TSR_OUTPUT_CLASH`, `TSR_OUTPUT_FORMAT`, `TSR_USAGE` */
function plan(inputs: readonly string[], folder: string, values: CliValues): Job[] {
  if (inputs.includes('-'))
    throw new TinySRError('TSR_USAGE', 'stdin has no name for --out-dir', { hint: 'Use: tinysr-video - out.mp4' });
  // An extension that no video can have is said once, before there is a folder.
  if (values.ext !== undefined) containerFor(outputName('video', values.ext));
  const taken = new Map<string, string>();
  return inputs.map((input) => {
    const output = join(folder, outputName(input, values.ext));
    // Names that differ in case only are the same file on many systems.
    const key = resolve(output).toLowerCase();
    const other = taken.get(key);
    if (other !== undefined) {
      throw new TinySRError('TSR_OUTPUT_CLASH', `${other} and ${input} would both become ${output}`, {
        hint: 'Rename one of them, or upscale them into different folders.',
      });
    }
    taken.set(key, input);
    return { input, output };
  });
}

/**
 * Upscales several inputs into a folder, one after the other; a failure does not stop the rest.
 *
 * @throws TinySRError `TSR_BATCH_PARTIAL` at the end when any failed, `TSR_OUTPUT_CLASH` before anything is done
 */
export async function runBatch(
  inputs: readonly string[],
  folder: string,
  values: CliValues,
  signal: AbortSignal,
): Promise<void> {
  const jobs = plan(await expand(inputs), folder, values);
  if (jobs.length === 0)
    throw new TinySRError('TSR_USAGE', 'no video among the inputs', {
      hint: 'Give files, or folders with videos in them.',
    });
  await ensureFolder(folder);
  const say = (line: string) => {
    if (!values.quiet && !values.json) process.stderr.write(`${line}\n`);
  };
  const told = { json: values.json ?? false, verbose: values.verbose ?? false, jsonStream: process.stdout };
  const failed: string[] = [];
  let skipped = 0;
  for (const [number, { input, output }] of jobs.entries()) {
    try {
      await refuseSameFile(input, output);
    } catch (error) {
      reportError(error, told);
      failed.push(input);
      continue;
    }
    if (values.skipExisting && (await stat(output).catch(() => undefined))) {
      skipped += 1;
      say(`[${number + 1}/${jobs.length}] ${printable(input)}: skipped, ${printable(output)} exists`);
      continue;
    }
    say(`[${number + 1}/${jobs.length}] ${printable(input)}`);
    try {
      await upscaleOne(values, input, output, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      reportError(error, told);
      failed.push(input);
    }
  }
  const written = jobs.length - failed.length - skipped;
  say(`${written} written, ${skipped} skipped, ${failed.length} failed`);
  if (values.json) process.stdout.write(`${JSON.stringify({ type: 'summary', written, skipped, failed })}\n`);
  if (failed.length) {
    throw new TinySRError(
      'TSR_BATCH_PARTIAL',
      `${failed.length} of ${jobs.length} videos failed: ${failed.join(', ')}`,
    );
  }
}
