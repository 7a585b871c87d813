import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hwaccelError } from '#src/decode/hwaccel.js';
import { listHwaccels } from '#src/shared/ffmpeg.js';
import { ffmpeg } from '../support/ffmpeg.js';
import { namesIn, testFolder } from '../support/folder.js';
import { counting, numbered, numbersIn } from '../support/pictures.js';
import { children } from '../support/processes.js';
import { failure, upscale } from '../support/upscale.js';

const folder = testFolder();
const clip = () =>
  folder.made('clip.mp4', (path) =>
    ffmpeg('-f', 'lavfi', '-i', numbered(64, 48), '-frames:v', '3', '-c:v', 'libx264', '-crf', '18', path),
  );

/** Whether this machine has the hardware that an accelerator needs. */
function starts(name: string): Promise<boolean> {
  const nothing = ['-f', 'lavfi', '-i', 'nullsrc', '-frames:v', '1', '-f', 'null', '-'];
  return ffmpeg('-init_hw_device', name, ...nothing).then(
    () => true,
    () => false,
  );
}

it.each(['auto', 'none'])('--hwaccel %s decodes on the CPU where there is nothing else', async (hwaccel) => {
  const output = folder.file(`${hwaccel}.mp4`);
  await upscale({ input: await clip(), output, hwaccel });
  expect(await numbersIn(output)).toEqual(counting(3));
});

it('a name that ffmpeg does not know is refused with those it knows', async () => {
  const target = folder.empty();
  const error = await failure({ input: await clip(), output: join(target, 'out.mp4'), hwaccel: 'magic' });
  expect([error.code, error.exitCode]).toEqual(['TSR_DEVICE_UNAVAILABLE', 5]);
  expect(error.message).toContain('--hwaccel magic');
  for (const name of await listHwaccels()) expect(error.hint).toContain(name);
  expect(namesIn(target)).toEqual([]);
});

it('a name without its hardware is an error that names both ways out', async () => {
  for (const hwaccel of await listHwaccels()) {
    if (await starts(hwaccel)) continue;
    const target = folder.empty();
    const error = await failure({ input: await clip(), output: join(target, 'out.mp4'), hwaccel });
    expect([hwaccel, error.code]).toEqual([hwaccel, 'TSR_DEVICE_UNAVAILABLE']);
    expect(error.message).toContain(hwaccel);
    expect(error.hint).toMatch(/--hwaccel auto.*--hwaccel none/);
    expect(namesIn(target)).toEqual([]);
    expect(children()).toEqual([]);
  }
});

it('only a named accelerator is to blame for a decoder that gives nothing', () => {
  const words =
    'WARNING: defaulting to qsv\n[AVHWDeviceContext @ 0x1] Cannot load libcuda.so.1\nDevice creation failed: -1.';
  expect(hwaccelError('cuda', words)?.message).toContain('(Cannot load libcuda.so.1)');
  expect(hwaccelError('auto', words)).toBeUndefined();
  expect(hwaccelError('none', words)).toBeUndefined();
  expect(hwaccelError('cuda', 'moov atom not found')).toBeUndefined();
});
