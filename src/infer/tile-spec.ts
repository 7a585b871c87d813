import { TinySRError } from '../shared/errors.js';
import { isSubsampled } from '../shared/layout.js';
import { tileForMemory } from './memory.js';
import type { TileSpec } from './session-spec.js';
import { tileSides, tileText } from './tile-sides.js';
import type { Model, UpscalerOptions } from './types.js';

/** Margin for a model whose receptive radius is not known, in input pixels. */
const UNKNOWN_RADIUS = 16;
/** Zone over which tiles are mixed, in input pixels. */
const FEATHER = 8;

const even = (value: number) => 2 * Math.ceil(value / 2);

/** Pixels at a tile's edge that are not right there. Chroma of 4:2:0 sees twice as far. */
function margin(model: Model, options: UpscalerOptions): number {
  return even((model.receptiveRadius ?? UNKNOWN_RADIUS) + (isSubsampled(options.format) ? 2 : 0));
}

/**
 * How frames are cut; undefined for whole frames.
 *
 * @throws TinySRError `TSR_USAGE` when the tile is too small for the model to give a right pixel, or another one is asked for
 *   than the model has
 */
export function tileSpec(options: UpscalerOptions): TileSpec | undefined {
  const { model, width, height } = options;
  const asked = options.tile === 0 ? undefined : options.tile;
  const own = tileSides(model);
  if (own && options.tile !== undefined && options.tile !== model.tile) {
    throw new TinySRError('TSR_USAGE', `${model.name} runs in tiles of ${tileText(own)} pixels, and of no other side`, {
      hint: 'Leave out --tile. What a sidecar says can be changed there.',
    });
  }
  const side = asked ?? (own || options.tile === 0 ? undefined : tileForMemory(model, width, height));
  if (!own && side === undefined) return undefined;
  const edge = margin(model, options);
  const step = Math.max(2, model.multiple);
  const rounded = Math.ceil((side ?? 0) / step) * step;
  const tile = own ?? { width: rounded, height: rounded };
  if (!own && width <= rounded && height <= rounded) return undefined;
  if (Math.min(tile.width, tile.height) <= 2 * edge + FEATHER) {
    throw new TinySRError(
      'TSR_USAGE',
      `a tile of ${own ? tileText(own) : side} pixels is too small for ${model.name}`,
      {
        hint:
          own === undefined
            ? `Use at least --tile ${2 * edge + FEATHER + 32}.`
            : `Neighbours share ${2 * edge + FEATHER} of them. If its output sees less far, say a smaller receptiveRadius in its sidecar (docs/models.md); else export it for larger frames.`,
      },
    );
  }
  return { width: Math.min(tile.width, width), height: Math.min(tile.height, height), margin: edge, feather: FEATHER };
}
