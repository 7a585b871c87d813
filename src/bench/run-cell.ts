import { fileURLToPath } from 'node:url';
import { runChild } from '../shared/child.js';
import { TinySRError } from '../shared/errors.js';
import type { CellReply, CellRequest } from './types.js';

const CELL = fileURLToPath(new URL('./measure-process.js', import.meta.url));

/** A measuring process that gave no result. */
export type Failed = Extract<CellReply, { readonly kind: 'failed' }>;

/**
 * Runs a measuring process: a script that takes its request as JSON and prints its reply as JSON.
 *
 * @param timeoutMs ends the process; the reply is then `failed`
 * @throws TinySRError `TSR_INTERRUPTED`
 */
export async function runMeasuring<Reply>(
  script: string,
  request: object,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Reply | Failed> {
  const started = performance.now();
  const child = await runChild(process.execPath, [script, JSON.stringify(request)], { signal, timeoutMs });
  if (signal.aborted) throw new TinySRError('TSR_INTERRUPTED', 'stopped while measuring');
  try {
    return JSON.parse(child.stdout.toString()) as Reply;
  } catch {
    const late = performance.now() - started >= timeoutMs;
    const reason = late
      ? `took longer than ${Math.round(timeoutMs / 1000)} s`
      : `the measuring process ended with ${child.signal ?? `exit status ${child.code}`}`;
    return { kind: 'failed', code: 'TSR_INFER_FAILED', message: reason };
  }
}

/** Measures a cell in a process of its own. @throws TinySRError `TSR_INTERRUPTED` */
export function runCell(request: CellRequest, timeoutMs: number, signal: AbortSignal): Promise<CellReply> {
  return runMeasuring<CellReply>(CELL, request, timeoutMs, signal);
}
