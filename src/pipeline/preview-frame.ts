import { FrameSource } from '../decode/frame-source.js';
import { checkHwaccel } from '../decode/hwaccel.js';
import { probe } from '../decode/probe-source.js';
import { OutputFile } from '../encode/output-file.js';
import { pictureTarget } from '../encode/pictures/formats.js';
import { startStill } from '../encode/still.js';
import { DEFAULT_MODEL, resolveModel } from '../infer/resolve-model.js';
import { createUpscaler } from '../infer/upscaler.js';
import { ClosingStack } from '../shared/closing-stack.js';
import { TinySRError, toTinySRError } from '../shared/errors.js';
import { requireFfmpeg } from '../shared/ffmpeg.js';
import { stoppedError, throwIfStopped } from '../shared/stopped.js';
import { carryPreviewProfile } from './carry-profile.js';
import { checkPreviewOptions } from './check-options.js';
import { planColor } from './color-plan.js';
import { planDeinterlacing } from './deinterlace-plan.js';
import { FramePool } from './frame-pool.js';
import type { PreviewOptions } from './options.js';
import { planSizes, squareSize } from './size-plan.js';
import { inUsersWords, scratchFolder, spool } from './spool.js';

async function preview(
  options: PreviewOptions,
  owned: ClosingStack,
  spooledIn: (folder: string) => void,
): Promise<string[]> {
  const { signal, compare = false, frame } = options;
  const picture = pictureTarget(options.output)?.format;
  if (picture?.name !== 'PNG') {
    throw new TinySRError('TSR_OUTPUT_FORMAT', `${options.output}: a preview is a PNG`, {
      hint: 'Name the output .png.',
    });
  }
  const file = await OutputFile.prepare(options.output, options.overwrite ?? false);
  owned.use(file, () => file.discard());
  let path = options.input;
  if (path === '-') {
    const scratch = owned.use(await scratchFolder(), (folder) => folder.remove());
    spooledIn(scratch.path);
    path = await spool(process.stdin, scratch.path, signal);
  }
  const [, model] = await Promise.all([requireFfmpeg(), resolveModel(options.model ?? DEFAULT_MODEL, signal)]);
  await checkHwaccel(options.hwaccel);
  const info = await probe(path, signal);
  const { video } = info;
  const size = planSizes(video, model, options);
  // Hardly a viewer heeds what a PNG says of the shape of its pixels.
  const shown = squareSize(video, size, options);
  const { format, matrix, fullRange } = planColor(video, model, size, options.depth ?? 8);
  const { width, height } = size.frame;
  const source = owned.use(
    await FrameSource.open({
      ...{ info, format, width, height, matrix, fullRange, hwaccel: options.hwaccel ?? 'none' },
      ...{ start: undefined, end: undefined, frames: 1, firstFrame: frame },
      deinterlacing: planDeinterlacing(info, options).deinterlacing,
    }),
    (opened) => opened.close(),
  );
  const upscaler = owned.use(
    await createUpscaler({
      ...{ model, device: options.device ?? 'auto', format, width, height, batch: 1, signal },
      ...{ precision: options.precision, tile: options.tile, threads: options.threads },
    }),
    (opened) => opened.close(),
  );
  const pool = new FramePool(1, upscaler.input.bytes);
  const { value: batch } = await source.batches(1, pool).next();
  if (!batch) {
    throw new TinySRError('TSR_INPUT_NO_FRAMES', `${options.input}: has no frame ${frame}`, {
      hint: 'Frames are counted from 0.',
    });
  }
  const { output, input } = await upscaler.upscale(batch.buffer, 1);
  // Started after the temporary was discarded, it would write it anew: nothing may be waited for between this and `use`.
  throwIfStopped(signal);
  const still = owned.use(
    startStill(
      {
        after: { layout: upscaler.output, data: output, ...size.picture },
        before: compare ? { layout: upscaler.input, data: input, width: video.width, height: video.height } : undefined,
        ...{ ...shown, matrix, fullRange },
      },
      file.temporary,
      options.output,
    ),
    (started) => started.close(),
  );
  await still.finish();
  throwIfStopped(signal);
  const named = { ...{ target: file.temporary, output: options.output, format: picture }, ...shown };
  const dropped = await carryPreviewProfile(info, frame, named);
  throwIfStopped(signal);
  return [...dropped, ...(await file.commit())];
}

/**
 * Upscales one frame of a video to a PNG; with `compare`, before|after.
 *
 * @returns warnings
 * @throws TinySRError
 */
export async function previewFrame(options: PreviewOptions): Promise<readonly string[]> {
  checkPreviewOptions(options);
  const { signal } = options;
  throwIfStopped(signal);
  const owned = new ClosingStack();
  const stop = () => void owned.close().catch(() => undefined);
  signal?.addEventListener('abort', stop, { once: true });
  let scratch: string | undefined;
  try {
    return await preview(options, owned, (folder) => {
      scratch = folder;
    });
  } catch (error) {
    throw signal?.aborted ? stoppedError(signal) : inUsersWords(toTinySRError(error), scratch, options.input);
  } finally {
    signal?.removeEventListener('abort', stop);
    await owned.close();
  }
}
