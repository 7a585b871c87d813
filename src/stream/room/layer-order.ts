/**
 * Puts the layers of a simulcast from the smallest to the largest. A layer of which nothing came yet keeps its place;
 * when those that are known go down from place to place, it is taken to go down with them.
 *
 * @param areas pixels of each layer, in the order that the publisher gives; undefined: not known yet
 * @returns the layers' places in that order
 */
export function orderLayers(areas: readonly (number | undefined)[]): number[] {
  const places = [...areas.keys()];
  const area = (place: number) => areas[place] ?? 0;
  const known = places.filter((place) => areas[place] !== undefined);
  const down =
    known.length > 1 && known.every((place, index) => index === 0 || area(known[index - 1] ?? 0) > area(place));
  if (down) return places.reverse();
  const sorted = known.toSorted((a, b) => area(a) - area(b));
  return places.map((place) => (areas[place] === undefined ? place : (sorted.shift() ?? place)));
}
