import { SingleBar } from 'cli-progress';
import type { DoneEvent, FramesEvent, JoiningEvent, Progress, StartEvent } from '../pipeline/progress.js';
import { asLastResort } from '../shared/last-resort.js';
import { duration, printable } from './print.js';

/** Tells the user what happens to one video. */
export interface Reporter {
  event(event: Progress): void;
  /** Takes a progress bar off the screen, before an error is told. */
  clear(): void;
}

/** Seconds between two lines where there is no terminal. */
const LINE_SECONDS = 5;

function startLine(event: StartEvent): string {
  const tiles = event.tile === null ? '' : `, tiles of ${event.tile}`;
  const resumed = event.resumedFrom > 0 ? `; goes on after frame ${event.resumedFrom}` : '';
  return (
    `${printable(event.input)}: ${event.sourceWidth}x${event.sourceHeight} -> ${event.width}x${event.height}, ` +
    `${event.model} on ${event.provider} (${event.precision})${tiles}, ${event.encoder}${resumed}`
  );
}

function doneLine({ output, frames, resumedFrom, seconds, fps, speed, stageMs }: DoneEvent): string {
  const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
  // A picture has no rate.
  if (frames === 1) return `${printable(output)}: one frame in ${duration(seconds)}`;
  const here = resumedFrom > 0 ? `, ${frames - resumedFrom} of them now,` : '';
  return (
    `${printable(output)}: ${frames} frames${here} in ${duration(seconds)} (${fps.toFixed(1)} fps, ${speed.toFixed(2)}x real time); ` +
    `waited a frame for decode ${ms(stageMs.decode)}, encode ${ms(stageMs.encode)}; inference ${ms(stageMs.infer)}`
  );
}

function numbers(event: FramesEvent): string {
  const eta = event.etaSeconds === null ? '' : `, ${duration(event.etaSeconds)} to go`;
  return `${event.fps.toFixed(1)} fps, ${event.speed.toFixed(2)}x${eta}, slowest: ${event.slowest}`;
}

/** Share that is done, and the time to go. */
function joined({ bytes, totalBytes, etaSeconds }: JoiningEvent): { readonly percent: number; readonly toGo: string } {
  const percent = totalBytes === 0 ? 100 : Math.floor((100 * bytes) / totalBytes);
  return { percent, toGo: etaSeconds === null ? '' : `, ${duration(etaSeconds)} to go` };
}

/** A bar on a terminal. */
class BarReporter implements Reporter {
  #bar: SingleBar | undefined;
  /** What the bar is about. */
  #shown: 'progress' | 'joining' | undefined;
  #forget: () => void = () => undefined;
  #total: number | null = null;

  event(event: Progress): void {
    if (event.type === 'start') {
      process.stderr.write(`${startLine(event)}\n`);
      this.#total = event.totalFrames;
    } else if (event.type === 'progress') this.#advance(event);
    else if (event.type === 'joining') this.#join(event);
    else {
      this.clear();
      process.stderr.write(
        event.type === 'warning' ? `warning: ${printable(event.message)}\n` : `${doneLine(event)}\n`,
      );
    }
  }

  #advance(event: FramesEvent): void {
    this.#total = event.totalFrames;
    const total = this.#total ?? event.frames;
    const share = this.#total === null ? '' : '{bar} {percentage}% ';
    const bar = this.#barOf('progress', `${share}{value} frames, {numbers}`, total);
    bar.setTotal(total);
    bar.update(event.frames, { numbers: numbers(event) });
  }

  #join(event: JoiningEvent): void {
    const { percent, toGo } = joined(event);
    this.#barOf('joining', 'joining the pieces {bar} {value}%{numbers}', 100).update(percent, { numbers: toGo });
  }

  /** The bar that is about something; a bar about something else goes. */
  #barOf(shown: 'progress' | 'joining', format: string, total: number): SingleBar {
    if (this.#bar && this.#shown === shown) return this.#bar;
    this.clear();
    const options = { format, hideCursor: true, clearOnComplete: true, barsize: 24 };
    const opened = new SingleBar({ ...options, gracefulExit: false, stream: process.stderr });
    this.#bar = opened;
    this.#shown = shown;
    // A terminal without a cursor must not be left behind either.
    this.#forget = asLastResort(() => opened.stop());
    opened.start(total, 0, { numbers: '' });
    return opened;
  }

  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#forget();
  }
}

/** A line now and then, for logs. */
class LineReporter implements Reporter {
  #told = Number.NEGATIVE_INFINITY;

  event(event: Progress): void {
    if (event.type === 'start') process.stderr.write(`${startLine(event)}\n`);
    else if (event.type === 'warning') process.stderr.write(`warning: ${printable(event.message)}\n`);
    else if (event.type === 'done') process.stderr.write(`${doneLine(event)}\n`);
    else if (this.#isDue()) process.stderr.write(`${this.#line(event)}\n`);
  }

  #isDue(): boolean {
    const now = performance.now() / 1000;
    if (this.#told === Number.NEGATIVE_INFINITY) this.#told = now;
    if (now - this.#told < LINE_SECONDS) return false;
    this.#told = now;
    return true;
  }

  #line(event: FramesEvent | JoiningEvent): string {
    if (event.type === 'progress') {
      const total = event.totalFrames === null ? '' : `/${event.totalFrames}`;
      return `${event.frames}${total} frames, ${numbers(event)}`;
    }
    const { percent, toGo } = joined(event);
    return `joining the pieces: ${percent}%${toGo}`;
  }

  clear(): void {
    // Lines stay.
  }
}

class JsonReporter implements Reporter {
  readonly #stream: NodeJS.WritableStream;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  event(event: Progress): void {
    this.#stream.write(`${JSON.stringify(event)}\n`);
  }

  clear(): void {
    // Nothing is drawn.
  }
}

const SILENT: Reporter = { event: () => undefined, clear: () => undefined };

/** The reporter that fits the options and where stderr goes. */
export function createReporter(options: {
  json: boolean;
  quiet: boolean;
  jsonStream: NodeJS.WritableStream;
}): Reporter {
  if (options.json) return new JsonReporter(options.jsonStream);
  if (options.quiet) return SILENT;
  return process.stderr.isTTY ? new BarReporter() : new LineReporter();
}
