import { z } from 'zod';
import { TinySRError } from './errors.js';

/** A whole number from `least` to `most`, or left out. */
export const whole = (least: number, most: number) => z.int().min(least).max(most).optional();

/** @throws TinySRError `TSR_USAGE` that names the first option out of place and says what it may be */
export function checkOptions(schema: z.ZodType, options: unknown): void {
  const { error } = schema.safeParse(options);
  const [issue] = error?.issues ?? [];
  if (!issue) return;
  const what = issue.path.length ? `option ${issue.path.join('.')}` : 'the options';
  throw new TinySRError('TSR_USAGE', `${what}: ${issue.message}`, {
    hint: 'docs/library.md says where the options and their ranges are.',
    cause: error,
  });
}
