import { short, timeText } from './text.js';
import type { BenchEvent } from './types.js';

/** How often the time that is left counts down, in milliseconds. */
const TICK_MS = 1000;
/** Columns of a terminal that does not say how many it has, or says none. */
const USUAL_COLUMNS = 80;

/** Where it is told: stderr, as stdout holds results only. */
export type Screen = Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number };

type Under = Extract<BenchEvent, { readonly leftSeconds: number | null }>;

function underWay(event: Under): string {
  return event.type === 'cell' ? `[${event.number}/${event.total}] ${event.label}` : 'looking at devices, making clips';
}

function left(seconds: number | null): string {
  return seconds === null ? '' : `, ${timeText(seconds)} left`;
}

/** What a row says, in few words; undefined when it is not worth a line. */
function found(event: BenchEvent): string | undefined {
  if (event.type === 'infer') {
    const { fps, basis } = event.row;
    return `${short(fps.median)} fps, inference alone${basis === 'measured' ? '' : ', from one frame'}`;
  }
  if (event.type === 'pipeline') {
    const { fps, overlapEfficiency: overlap } = event.row;
    return `${short(fps.median)} fps end to end${overlap === null ? '' : `, overlap ${overlap.toFixed(2)}`}`;
  }
  if (event.type !== 'stream') return undefined;
  const { fpsIn, fps, ageMs } = event.row;
  const age = `half of them within ${ageMs.p50.toFixed(0)} ms, 95 % within ${ageMs.p95.toFixed(0)} ms`;
  return `${short(fps.median)} of ${short(fpsIn)} fps, ${age}`;
}

/**
 * Tells what is under way and how long it still takes: on a terminal in a line that counts down, elsewhere in a line for
 * each thing.
 */
export class Teller {
  readonly #screen: Screen;
  #under: Under | undefined;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  event(event: BenchEvent): void {
    if (event.type === 'cell' || event.type === 'prepare') this.#begin(event);
    else if (event.type === 'warning') this.#line(`warning: ${event.message}`);
    else {
      const words = found(event);
      if (words === undefined) return;
      const terminal = this.#screen.isTTY && this.#under;
      this.#line(terminal ? `${underWay(terminal)}: ${words}` : `      ${words}`);
    }
  }

  /** Takes the counting line away. Idempotent. */
  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#clear();
    this.#under = undefined;
  }

  #begin(event: Under): void {
    this.#under = event;
    this.#since = performance.now();
    if (!this.#screen.isTTY) {
      this.#screen.write(`${underWay(event)}${left(event.leftSeconds)}\n`);
      return;
    }
    this.#draw();
    this.#timer ??= setInterval(() => this.#draw(), TICK_MS);
    this.#timer.unref();
  }

  #line(text: string): void {
    this.#clear();
    this.#screen.write(`${text}\n`);
    this.#draw();
  }

  #clear(): void {
    if (this.#screen.isTTY && this.#under) this.#screen.write('\r\x1b[K');
  }

  #draw(): void {
    const under = this.#under;
    if (!this.#screen.isTTY || !under) return;
    const passed = (performance.now() - this.#since) / 1000;
    const seconds = under.leftSeconds === null ? null : Math.max(0, under.leftSeconds - passed);
    const text = `${underWay(under)}${left(seconds)}`;
    // A line that wraps could not be taken away again.
    this.#screen.write(`\r\x1b[K${text.slice(0, (this.#screen.columns || USUAL_COLUMNS) - 1)}`);
  }
}
