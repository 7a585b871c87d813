import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BenchEvent } from '#src/bench/index.js';
import { Teller } from '#src/bench/teller.js';
import { inferRow, pipelineRow } from './results.js';

const cell = (leftSeconds: number | null): BenchEvent => ({
  ...{ type: 'cell', label: 'tinysr-nano on cpu at 270p', number: 2, total: 9, leftSeconds },
});

function screen(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  return { isTTY, columns, written, write: (text: string) => written.push(text) > 0 };
}

/** What a terminal shows after all that was written to it. */
function shown(written: readonly string[]): string[] {
  const cleared = '\r\x1b[K';
  const lines = written.join('').split('\n');
  return lines.map((line) => line.slice(line.includes(cleared) ? line.lastIndexOf(cleared) + cleared.length : 0));
}

describe('what a run tells', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('has a line for each thing where there is no terminal', () => {
    const plain = screen(false);
    const teller = new Teller(plain);
    teller.event({ type: 'prepare', leftSeconds: 60 });
    teller.event(cell(41.2));
    teller.event({ type: 'infer', row: inferRow() });
    teller.event({ type: 'pipeline', row: pipelineRow() });
    teller.event(cell(null));
    teller.event({ type: 'warning', message: 'no result' });
    teller.end();
    expect(plain.written).toEqual([
      'looking at devices, making clips, 60 s left\n',
      '[2/9] tinysr-nano on cpu at 270p, 42 s left\n',
      '      20.0 fps, inference alone\n',
      '      10.0 fps end to end, overlap 0.81\n',
      '[2/9] tinysr-nano on cpu at 270p\n',
      'warning: no result\n',
    ]);
  });

  it('counts down on a terminal, keeps results and leaves no line behind', () => {
    vi.useFakeTimers();
    const terminal = screen(true);
    const teller = new Teller(terminal);
    teller.event(cell(41));
    expect(shown(terminal.written)).toEqual(['[2/9] tinysr-nano on cpu at 270p, 41 s left']);
    vi.advanceTimersByTime(5000);
    expect(shown(terminal.written)).toEqual(['[2/9] tinysr-nano on cpu at 270p, 36 s left']);
    vi.advanceTimersByTime(60_000);
    expect(shown(terminal.written)).toEqual(['[2/9] tinysr-nano on cpu at 270p, 0 s left']);
    const result = '[2/9] tinysr-nano on cpu at 270p: 20.0 fps, inference alone';
    teller.event({ type: 'infer', row: inferRow() });
    expect(shown(terminal.written)[0]).toBe(result);
    teller.end();
    expect(shown(terminal.written)).toEqual([result, '']);
    const { length } = terminal.written;
    vi.advanceTimersByTime(5000);
    expect(terminal.written).toHaveLength(length);
  });

  it('shows all of a line on a terminal that says it has no columns', () => {
    const without = screen(true, 0);
    const teller = new Teller(without);
    teller.event(cell(41));
    expect(shown(without.written)).toEqual(['[2/9] tinysr-nano on cpu at 270p, 41 s left']);
    teller.end();
  });

  it('never fills the last column, where terminals wrap', () => {
    const narrow = screen(true, 20);
    const teller = new Teller(narrow);
    teller.event(cell(1200));
    expect(shown(narrow.written)).toEqual(['[2/9] tinysr-nano o']);
    teller.end();
  });
});
