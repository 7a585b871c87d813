import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { TinySRError } from '../shared/errors.js';
import { numberOf, parsePattern } from '../shared/pattern.js';

const realFolder = (path: string) => realpath(dirname(path)).catch(() => undefined);

/** Whether numbered pictures would be written among those that are read. */
async function isAmongInputs(input: string, output: string): Promise<boolean> {
  const to = parsePattern(output);
  if (!to) return false;
  const [from, into] = await Promise.all([realFolder(input), realFolder(output)]);
  if (from === undefined || from !== into) return false;
  const read = parsePattern(input);
  return read ? read.prefix === to.prefix && read.suffix === to.suffix : numberOf(to, basename(input)) !== undefined;
}

/** @throws TinySRError `TSR_OUTPUT_SAME_AS_INPUT` where both paths lead to one file */
export async function refuseSameFile(input: string, output: string): Promise<void> {
  if (input === '-' || output === '-') return;
  if (await isAmongInputs(input, output)) {
    throw new TinySRError('TSR_OUTPUT_SAME_AS_INPUT', `${output}: has the names of the pictures that are read`, {
      hint: 'Write them into another folder; the input is never replaced.',
    });
  }
  const [from, to] = await Promise.all([stat(input).catch(() => undefined), stat(output).catch(() => undefined)]);
  if (!from || !to || from.ino !== to.ino || from.dev !== to.dev) return;
  throw new TinySRError('TSR_OUTPUT_SAME_AS_INPUT', `${output}: is the input itself`, {
    hint: 'Choose another output name; the input is never replaced.',
  });
}
