import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TinySRError } from '../shared/errors.js';
import { FRAME_FORMATS } from '../shared/layout.js';
import { MODELS_DIR } from './paths.js';
import { type Model, PRECISIONS } from './types.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const variant = z.object({
  file: z.string().regex(/^[\w.-]+\.onnx$/),
  sha256,
  weights: z.object({ file: z.string().regex(/^checkpoints\/[\w.-]+\.safetensors$/), sha256 }).optional(),
  precision: z.enum(PRECISIONS),
  format: z.enum(FRAME_FORMATS),
});

const entry = z.object({
  name: z.string(),
  scale: z.union([z.literal(2), z.literal(3), z.literal(4)]),
  tile: z.number().int().positive().optional(),
  multiple: z.number().int().positive(),
  receptiveRadius: z.number().int().nonnegative().optional(),
  params: z.number(),
  macsPerLrPixel: z.number(),
  licence: z.string(),
  quality: z.record(z.string(), z.unknown()),
  variants: z.array(variant).min(1),
});

const manifest = z.object({ models: z.array(entry) });

/** A shipped model with what its card says. */
export interface ShippedModel extends Model {
  /** Scores by track, as models/manifest.json has them. */
  readonly quality: Readonly<Record<string, unknown>>;
}

/**
 * The models that ship, from models/manifest.json: larger enlargements first, and among equals what costs least.
 *
 * @throws TinySRError `TSR_INTERNAL` when the installation is damaged
 */
export async function listModels(): Promise<ShippedModel[]> {
  try {
    const { models } = manifest.parse(JSON.parse(await readFile(join(MODELS_DIR, 'manifest.json'), 'utf8')));
    const inOrder = models.toSorted((a, b) => b.scale - a.scale || a.macsPerLrPixel - b.macsPerLrPixel);
    return inOrder.map((model) => ({
      ...model,
      variants: model.variants.map((graph) => ({
        ...graph,
        file: join(MODELS_DIR, graph.file),
        weights: graph.weights && { ...graph.weights, file: join(MODELS_DIR, graph.weights.file) },
      })),
    }));
  } catch (cause) {
    throw new TinySRError('TSR_INTERNAL', 'models/manifest.json of this installation cannot be read', {
      hint: 'Install tinysr-video again.',
      cause,
    });
  }
}
