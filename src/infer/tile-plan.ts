/**
 * Where tiles start along one axis so that they cover `length`, each overlapping the next by at least `overlap`.
 * All tiles are equally long; the last ends at the end.
 *
 * @param length frame side in input pixels, at least `tile`
 * @param tile tile side in input pixels, above `overlap`
 * @param multiple starts are multiples of this, as is `length - tile`
 */
export function tileStarts(length: number, tile: number, overlap: number, multiple: number): number[] {
  if (length <= tile) return [0];
  const reach = length - tile;
  const count = Math.ceil(reach / (tile - overlap)) + 1;
  const starts: number[] = [];
  for (let index = 0; index < count; index += 1) {
    starts.push(Math.floor((reach * index) / (count - 1) / multiple) * multiple);
  }
  return starts;
}

/** Weights that rise over a seam of `length` samples: the share of the second tile, never 0 nor 1. */
export function featherWeights(length: number): Float32Array {
  return Float32Array.from({ length }, (_, index) => (index + 0.5) / length);
}

/** First sample of the zone in which two neighbours are mixed: the middle of their overlap. */
export function seamStart(second: number, firstEnd: number, feather: number, multiple: number): number {
  const middle = (second + firstEnd - feather) / 2;
  return Math.floor(middle / multiple) * multiple;
}
