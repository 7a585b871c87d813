import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const segment = z.object({
  /** Name in the folder; of pictures the last one's. */
  file: z.string().regex(/^(?!\.\.?$)[^/\\]+$/),
  bytes: z.int().positive(),
  frames: z.int().positive(),
  /** PTS of its last frame in nanoseconds of the output's clock. */
  lastPtsNs: z.string().regex(/^-?\d+$/),
  /** Damaged places and mended times met in the source until it was finished, by the run that finished it. */
  damaged: z.int().min(0),
  firstDamage: z.string().optional(),
  repaired: z.int().min(0),
});

const manifest = z.object({
  version: z.literal(1),
  /** What the segments were made from and how, by name: {@link fingerprint}. */
  made: z.record(z.string(), z.string()),
  segments: z.array(segment),
});

/** A finished piece of the picture. */
export type Segment = z.infer<typeof segment>;
/** What is written down about the finished pieces of an output. */
export type Manifest = z.infer<typeof manifest>;

/** Reads a manifest. @returns undefined when there is none @throws Error when it is none of ours */
export async function readManifest(path: string): Promise<Manifest | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : manifest.parse(JSON.parse(text));
}
