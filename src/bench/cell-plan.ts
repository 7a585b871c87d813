import { join } from 'node:path';
import { FrameSource } from '../decode/frame-source.js';
import { planVideo, type VideoPlan } from '../pipeline/plan.js';
import type { CellRequest } from './types.js';

/** Plans the cell's clip as the main command would. */
export function planCell({ model, provider, clip, scratch, batch, threads }: CellRequest): Promise<VideoPlan> {
  const output = join(scratch, `out-${process.pid}.mp4`);
  return planVideo({ input: clip, output, device: provider, batch, threads }, clip, scratch, model);
}

/**
 * Decodes the first frames of a clip.
 *
 * @returns buffers of `batch` packed frames, at least two
 */
export async function readBatches(plan: VideoPlan, frames: number, batch: number): Promise<ArrayBuffer[]> {
  const source = await FrameSource.open({ ...plan.decode, frames: Math.max(frames, batch) });
  const buffers: ArrayBuffer[] = [];
  let short: ArrayBuffer | undefined;
  try {
    const credit = {
      acquire: () => Promise.resolve(new ArrayBuffer(batch * source.layout.bytes)),
      release: () => undefined,
    };
    for await (const { buffer, count } of source.batches(batch, credit)) {
      if (count === batch) buffers.push(buffer);
      else short = buffer;
    }
  } finally {
    await source.close();
  }
  // A clip shorter than a batch leaves black frames at its end: better than none.
  if (!buffers.length && short) buffers.push(short);
  const [first] = buffers;
  if (first && buffers.length === 1) buffers.push(first.slice(0));
  return buffers;
}
