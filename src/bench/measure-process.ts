import { toTinySRError } from '../shared/errors.js';
import { planCell } from './cell-plan.js';
import { measureDecode, measureEncode } from './measure-ends.js';
import { measureInfer } from './measure-infer.js';
import { measureLine } from './measure-line.js';
import type { CellReply, CellRequest } from './types.js';

/**
 * Entry of a measuring process: measures one cell and prints what it found as JSON. A process of its own, as peak
 * memory is a process's, sessions leak and a bad driver may crash.
 */
async function measure(request: CellRequest): Promise<CellReply> {
  if (request.what === 'line') return { kind: 'line', result: await measureLine(request) };
  const plan = await planCell(request);
  const { row, outputs, checkMs } = await measureInfer(request, plan);
  const decode = await measureDecode(plan, request.frames);
  const encode = await measureEncode(plan, outputs, request);
  return { kind: 'stages', result: { infer: row, decode, encode, encoder: plan.encode.encoder, checkMs } };
}

const reply = await measure(JSON.parse(process.argv[2] ?? '{}') as CellRequest).catch((error: unknown): CellReply => {
  const { code, message } = toTinySRError(error);
  return { kind: 'failed', code, message };
});
process.stdout.write(JSON.stringify(reply), () => process.exit(0));
