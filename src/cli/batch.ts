import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { PICTURE_EXTENSIONS } from '../decode/pictures/kinds.js';
import { containerFor, OUTPUT_EXTENSIONS } from '../encode/containers.js';
import { ensureFolder } from '../encode/output-file.js';
import { PICTURE_OUTPUTS } from '../encode/pictures/formats.js';
import { refuseSameFile } from '../pipeline/same-file.js';
import { TinySRError } from '../shared/errors.js';
import { numberOf, parsePattern } from '../shared/pattern.js';
import type { CliValues } from './cli-values.js';
import { expandInputs, type PassedOver } from './expand-inputs.js';
import { ForeignNames, type InputFile } from './foreign-names.js';
import { printable } from './print.js';
import { reportError } from './report-error.js';
import { upscaleOne } from './upscale-command.js';

interface Job {
  readonly input: InputFile;
  readonly output: string;
}

/** The extension of an output that has its input's own: what cannot be written becomes Matroska, or PNG. */
function extensionOf(input: string): string {
  const own = extname(input).toLowerCase();
  if ([...OUTPUT_EXTENSIONS, ...PICTURE_OUTPUTS].includes(own)) return own;
  return PICTURE_EXTENSIONS.has(own) ? '.png' : '.mkv';
}

/** What an output is called. Numbered pictures that become a video have no name but their folder's. */
function outputName(input: string, extension: string | undefined): string {
  const wanted = extension === undefined ? extensionOf(input) : `.${extension.replace(/^\./, '').toLowerCase()}`;
  const pattern = PICTURE_OUTPUTS.includes(wanted) ? undefined : parsePattern(input);
  const name = pattern ? basename(resolve(pattern.folder)) : basename(input, extname(input));
  return `${name}${wanted}`;
}

/** Whether an output is there: a file, or any of numbered pictures, which come all at once. */
async function exists(output: string): Promise<boolean> {
  if (await stat(output).catch(() => undefined)) return true;
  const pattern = parsePattern(output);
  const names = pattern ? await readdir(pattern.folder).catch(() => []) : [];
  return pattern !== undefined && names.some((name) => numberOf(pattern, name) !== undefined);
}

/**
 * Leaves out what an earlier run of the same batch wrote into its own folder: inputs that are the output of another.
 * Only where outputs that exist are not written again, as such an input may be somebody's own after all.
 */
function withoutOwnOutputs(jobs: readonly Job[], skipExisting: boolean): readonly Job[] {
  if (!skipExisting) return jobs;
  const sources = new Map<string, Set<string>>();
  for (const { input, output } of jobs) {
    const path = resolve(output);
    sources.set(path, (sources.get(path) ?? new Set()).add(resolve(input.path)));
  }
  const isMade = (path: string) => [...(sources.get(path) ?? [])].some((source) => source !== path);
  return jobs.filter(({ input }) => !isMade(resolve(input.path)));
}

/** Pairs inputs with outputs. @throws TinySRError `TSR_OUTPUT_CLASH`, `TSR_OUTPUT_FORMAT`, `TSR_USAGE` */
function plan(inputs: readonly InputFile[], folder: string, values: CliValues): Job[] {
  if (inputs.some(({ path }) => path === '-'))
    throw new TinySRError('TSR_USAGE', 'stdin has no name for --out-dir', { hint: 'Use: tinysr-video - out.mp4' });
  // An extension that no video can have is said once, before there is a folder.
  if (values.ext !== undefined) containerFor(outputName('video', values.ext));
  const taken = new Map<string, string>();
  const jobs = inputs.map((input) => ({ input, output: join(folder, outputName(input.shown, values.ext)) }));
  return withoutOwnOutputs(jobs, values.skipExisting ?? false).map(({ input, output }) => {
    // Names that differ in case only are the same file on many systems.
    const key = resolve(output).toLowerCase();
    const other = taken.get(key);
    if (other !== undefined) {
      throw new TinySRError('TSR_OUTPUT_CLASH', `${other} and ${input.shown} would both become ${output}`, {
        hint: 'Rename one of them, or upscale them into different folders. A batch into its own folder goes on with --skip-existing.',
      });
    }
    taken.set(key, input.shown);
    return { input, output };
  });
}

function passedOverLine({ folder, files, extensions }: PassedOver): string {
  const names = extensions.map((extension) => extension || 'no extension').join(' ');
  return `${printable(folder)}: ${files} ${files === 1 ? 'file' : 'files'} passed over, not named as videos are (${printable(names)})`;
}

/** What is said of names that are no UTF-8: their outputs are called otherwise. */
function foreignWarning(foreign: readonly string[]): string {
  const names = foreign.length === 1 ? 'this name is' : `these ${foreign.length} names are`;
  return `${names} no UTF-8 and taken for Windows' (1252): ${foreign.join(', ')}`;
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
  const names = new ForeignNames();
  try {
    await runNamed(inputs, folder, values, names, signal);
  } finally {
    await names.close();
  }
}

async function runNamed(
  inputs: readonly string[],
  folder: string,
  values: CliValues,
  names: ForeignNames,
  signal: AbortSignal,
): Promise<void> {
  const { files, passedOver, foreign } = await expandInputs(inputs, names);
  const say = (line: string) => {
    if (!values.quiet && !values.json) process.stderr.write(`${line}\n`);
  };
  const tell = (event: object) => {
    if (values.json) process.stdout.write(`${JSON.stringify(event)}\n`);
  };
  for (const passed of passedOver) {
    say(passedOverLine(passed));
    tell({ type: 'passed-over', ...passed });
  }
  if (foreign.length) {
    const message = foreignWarning(foreign);
    say(`warning: ${printable(message)}`);
    tell({ type: 'warning', message });
  }
  const jobs = plan(files, folder, values);
  if (jobs.length === 0)
    throw new TinySRError('TSR_USAGE', 'no video among the inputs, and no picture', {
      hint: 'Give files, or folders with videos or pictures in them.',
    });
  await ensureFolder(folder);
  const told = { json: values.json ?? false, verbose: values.verbose ?? false, jsonStream: process.stdout };
  const failed: string[] = [];
  let skipped = 0;
  for (const [number, { input, output }] of jobs.entries()) {
    try {
      await refuseSameFile(input.path, output);
    } catch (error) {
      reportError(error, told);
      failed.push(input.shown);
      continue;
    }
    if (values.skipExisting && (await exists(output))) {
      skipped += 1;
      say(`[${number + 1}/${jobs.length}] ${printable(input.shown)}: skipped, ${printable(output)} exists`);
      continue;
    }
    say(`[${number + 1}/${jobs.length}] ${printable(input.shown)}`);
    try {
      await upscaleOne(values, input, output, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      reportError(error, told);
      failed.push(input.shown);
    }
  }
  const written = jobs.length - failed.length - skipped;
  say(`${written} written, ${skipped} skipped, ${failed.length} failed`);
  tell({ type: 'summary', written, skipped, failed });
  if (failed.length) {
    throw new TinySRError(
      'TSR_BATCH_PARTIAL',
      `${failed.length} of ${jobs.length} videos failed: ${failed.join(', ')}`,
    );
  }
}
