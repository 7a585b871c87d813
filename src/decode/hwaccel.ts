import { TinySRError } from '../shared/errors.js';
import { listHwaccels } from '../shared/ffmpeg.js';

const FALL_BACK = '--hwaccel auto takes one that works, or the CPU; --hwaccel none is the CPU.';

/** Refuses a hardware decoder that this ffmpeg was built without. @throws TinySRError `TSR_DEVICE_UNAVAILABLE` */
export async function checkHwaccel(name: string | undefined): Promise<void> {
  if (name === undefined || name === 'none' || name === 'auto') return;
  const known = await listHwaccels();
  if (known.includes(name)) return;
  throw new TinySRError('TSR_DEVICE_UNAVAILABLE', `--hwaccel ${name}: this ffmpeg has no such decoder`, {
    hint: `It has ${known.join(', ') || 'none'}. ${FALL_BACK}`,
  });
}

/** ffmpeg's ways of saying that a hardware decoder does not start; other accelerators than the named one are not tried. */
const NO_DEVICE = /Device setup failed|Device creation failed|No device available|Failed to create .* device|hwaccel/i;

/** What a decoder that gave no frame means when it was to use hardware; undefined when the hardware is not why. */
export function hwaccelError(name: string, stderr: string): TinySRError | undefined {
  if (name === 'none' || name === 'auto' || !NO_DEVICE.test(stderr)) return undefined;
  const first = stderr.split('\n').find((line) => line.trim() && !line.startsWith('WARNING')) ?? '';
  const reason = first.replace(/^\[[^\]]*\]\s*/, '').trim();
  return new TinySRError('TSR_DEVICE_UNAVAILABLE', `--hwaccel ${name}: does not start here (${reason})`, {
    hint: FALL_BACK,
    cause: new Error(stderr),
  });
}
