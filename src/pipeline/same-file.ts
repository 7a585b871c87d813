import { stat } from 'node:fs/promises';
import { TinySRError } from '../shared/errors.js';

/** @throws TinySRError `TSR_OUTPUT_SAME_AS_INPUT` where both paths lead to one file */
export async function refuseSameFile(input: string, output: string): Promise<void> {
  if (input === '-' || output === '-') return;
  const [from, to] = await Promise.all([stat(input).catch(() => undefined), stat(output).catch(() => undefined)]);
  if (!from || !to || from.ino !== to.ino || from.dev !== to.dev) return;
  throw new TinySRError('TSR_OUTPUT_SAME_AS_INPUT', `${output}: is the input itself`, {
    hint: 'Choose another output name; the input is never replaced.',
  });
}
