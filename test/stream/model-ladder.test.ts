import { expect, it } from 'vitest';
import type { Model } from '../../src/infer/types.js';
import { steps } from '../../src/stream/model-ladder.js';

function costing(macsPerLrPixel: number | undefined): Model {
  return { name: String(macsPerLrPixel), scale: 4, multiple: 2, macsPerLrPixel, variants: [] } as unknown as Model;
}

function names(best: number | undefined, others: number[]): string[] {
  return steps(costing(best), others.map(costing)).map(({ name }) => name);
}

it('leaves out models that cost as much as the one before, and larger ones', () => {
  expect(names(177, [177, 157, 23, 11])).toEqual(['177', '23', '11']);
  expect(names(23, [177, 157, 23, 11])).toEqual(['23', '11']);
});

it('steps from a model of unknown cost to the largest that ships', () => {
  expect(names(undefined, [177, 157, 23])).toEqual(['undefined', '177', '23']);
});
