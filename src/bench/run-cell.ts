import { fileURLToPath } from 'node:url';
import { runChild } from '../shared/child.js';
import { TinySRError } from '../shared/errors.js';
import type { CellReply, CellRequest } from './types.js';

const SCRIPT = fileURLToPath(new URL('./measure-process.js', import.meta.url));

/**
 * Measures a cell in a process of its own.
 *
 * @param timeoutMs ends the process; the reply is then `failed`
 * @throws TinySRError `TSR_INTERRUPTED`
 */
export async function runCell(request: CellRequest, timeoutMs: number, signal: AbortSignal): Promise<CellReply> {
  const started = performance.now();
  const child = await runChild(process.execPath, [SCRIPT, JSON.stringify(request)], { signal, timeoutMs });
  if (signal.aborted) throw new TinySRError('TSR_INTERRUPTED', 'stopped while measuring');
  try {
    return JSON.parse(child.stdout.toString()) as CellReply;
  } catch {
    const late = performance.now() - started >= timeoutMs;
    const reason = late
      ? `took longer than ${Math.round(timeoutMs / 1000)} s`
      : `the measuring process ended with ${child.signal ?? `exit status ${child.code}`}`;
    return { kind: 'failed', code: 'TSR_INFER_FAILED', message: reason };
  }
}
