import { type Command, CommanderError } from 'commander';
import { BENCH_OPTIONS } from '../bench/cli-options.js';
import { TinySRError } from '../shared/errors.js';
import { requireFfmpeg } from '../shared/ffmpeg.js';
import { log } from '../shared/log.js';
import { packageVersion } from '../shared/package-version.js';
import { RELAY_OPTION_TABLE } from '../stream/cli-options.js';
import type { RelayCliValues } from '../stream/run-relay.js';
import type { CliValues } from './cli-values.js';
import { onInterrupt } from './interrupt.js';
import { jsonStreamFor } from './json-stream.js';
import { OPTION_TABLE } from './options.js';
import { addOptions, createCommand } from './program.js';
import { reportError } from './report-error.js';

const EXAMPLES = `
Examples:
  tinysr-video in.mp4 out.mp4
  tinysr-video old.avi new.mkv --codec hevc --scale 2
  tinysr-video film.mkv restored.mkv --resume
  tinysr-video tapes/ --out-dir restored --skip-existing --resume
  tinysr-video photo.jpg photo-x4.png
  tinysr-video 'frames/%06d.png' film.mkv --fps 24
  tinysr-video in.mp4 look.png --preview 100 --compare
  cat in.mkv | tinysr-video - - | mpv -

A file named like a command is given as ./doctor, one that begins with a dash after --.`;

let style = { json: false, verbose: false, jsonStream: process.stdout as NodeJS.WritableStream };

/** Runs a command with an abort signal for Ctrl-C. */
async function interruptible(quiet: boolean, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupt = onInterrupt(quiet ? undefined : 'stopping; press Ctrl-C again to stop at once');
  try {
    await work(interrupt.signal);
  } finally {
    interrupt.remove();
  }
}

function program() {
  const main = createCommand('tinysr-video')
    .description('Upscales videos with TinySR, keeping every frame, timestamp and track.')
    .usage('[options] <input> <output>\n       tinysr-video [options] --out-dir <folder> <input>...')
    .argument('[files...]', 'input and output; - is stdin or stdout')
    .version(packageVersion())
    .addHelpText('after', EXAMPLES)
    .enablePositionalOptions();
  addOptions(main, OPTION_TABLE).action(async (files: string[], values: CliValues) => {
    style = { json: values.json ?? false, verbose: values.verbose ?? false, jsonStream: jsonStreamFor(files) };
    if (values.verbose) log.level = 'debug';
    if (files.length === 0) {
      main.outputHelp();
      throw new TinySRError('TSR_USAGE', 'no input was given', { hint: 'For example: tinysr-video in.mp4 out.mp4' });
    }
    // ffmpeg is asked while the pipeline loads, which takes as long; what is wrong with it is told when it is needed.
    requireFfmpeg().catch(() => undefined);
    const { upscaleCommand } = await import('./upscale-command.js');
    await interruptible(Boolean(values.quiet || values.json), (signal) => upscaleCommand(files, values, signal));
  });
  const bench = createCommand('bench')
    .description('measures what this machine can do, and what limits it, in about a minute')
    .action((values: Record<string, unknown>) =>
      interruptible(true, async (signal) => {
        const { runBenchCommand } = await import('../bench/command.js');
        await runBenchCommand(values, signal);
      }),
    );
  main.addCommand(addOptions(bench, BENCH_OPTIONS));
  const relay = createCommand('relay')
    .description('upscales live WebRTC streams: publish and watch in a browser, by WHIP and WHEP')
    .option('-v, --verbose', 'what happens, on stderr')
    .action((values: RelayCliValues) =>
      interruptible(true, async (signal) => {
        style = { ...style, verbose: Boolean(values.verbose) };
        const { runRelay } = await import('../stream/run-relay.js');
        await runRelay(values, signal);
      }),
    );
  main.addCommand(addOptions(relay, RELAY_OPTION_TABLE));
  const sub = (name: string, description: string) =>
    main.addCommand(createCommand(name).description(description).option('--json', 'as JSON')).commands.at(-1);
  sub('doctor', 'says what this machine has and what to do about what is missing')?.action(
    (values: { json?: boolean }) =>
      interruptible(true, async (signal) => {
        const { doctorCommand } = await import('./doctor.js');
        await doctorCommand(values, signal);
      }),
  );
  sub('models', 'lists the models that ship: size, cost, quality, licence')?.action(
    async (values: { json?: boolean }) => {
      const { modelsCommand } = await import('./models-command.js');
      await modelsCommand(values);
    },
  );
  return main;
}

/** Errors of the command line itself; help and version end well. @param main what was run */
function fromCommander(error: CommanderError, main: Command): TinySRError | undefined {
  if (error.exitCode === 0) return undefined;
  // What it supposes to be meant stands in a line of its own, which a message has not.
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\n(?=\(Did you mean )/, ' ')
    .replace(/\.$/, '');
  const command = main.commands.find((sub) => sub.name() === main.args[0]);
  return new TinySRError('TSR_USAGE', message, {
    hint: `See tinysr-video ${command ? `${command.name()} ` : ''}--help.`,
  });
}

/** Programs that are started need a folder to be in, as does the runtime of the models. @throws TinySRError `TSR_USAGE` */
function requireFolder(): void {
  try {
    process.cwd();
  } catch (cause) {
    throw new TinySRError('TSR_USAGE', 'the folder that this is run in is gone', {
      hint: 'Go to another one (cd), or to this one anew.',
      cause,
    });
  }
}

/** Runs the command line of this process and sets its exit status. */
export async function run(): Promise<void> {
  // What nobody hears or can be told ends no work: the terminal may be closed while a video is upscaled.
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    // Whoever read our lines has gone, as `| head` does.
    if (cause.code === 'EPIPE' || process.exitCode) return;
    const error = new TinySRError('TSR_OUTPUT_UNWRITABLE', `stdout: cannot be written (${cause.code})`, { cause });
    process.exitCode = reportError(error, { ...style, json: false }).exitCode;
  });
  const main = program();
  try {
    requireFolder();
    await main.parseAsync();
  } catch (thrown) {
    const error = thrown instanceof CommanderError ? fromCommander(thrown, main) : thrown;
    if (error !== undefined) process.exitCode = reportError(error, style).exitCode;
  }
}
