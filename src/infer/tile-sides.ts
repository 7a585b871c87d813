import type { Model, TileSides } from './types.js';

/** The one size of picture that a model takes; undefined when it takes others too. */
export function tileSides({ tile }: Pick<Model, 'tile'>): TileSides | undefined {
  return typeof tile === 'number' ? { width: tile, height: tile } : tile;
}

/** A size as people write it: one number for a square. */
export function tileText({ width, height }: TileSides): string {
  return width === height ? String(width) : `${width}x${height}`;
}
