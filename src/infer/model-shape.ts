import type { InferenceSession } from 'onnxruntime-node';
import type { TensorContract, TileSides } from './types.js';

/** What a graph is refused for. */
export class Unsupported extends Error {
  /** What to do about it, where there is more to say than what a model must be. */
  readonly hint: string | undefined;

  constructor(reason: string, hint?: string) {
    super(reason);
    this.hint = hint;
  }
}

/** How a graph may take its picture, as far as its ports tell. */
export interface Shape {
  readonly layout: 'nchw' | 'nhwc';
  readonly type: TensorContract['type'];
  readonly channels: TensorContract['channels'];
  /** Fixed size in pixels; undefined when sides are free. */
  readonly tile: TileSides | undefined;
  /** Whether the graph says that it takes one picture a run. */
  readonly single: boolean;
}

const TYPES = ['float32', 'float16', 'uint8'] as const;

/** Axes that are free have a name, or none; some exporters write -1. */
type Side = number | string;
const isFixed = (side: Side | undefined): side is number => typeof side === 'number' && side > 0;
/** An axis without a name is an empty one. */
const named = (side: Side) => (isFixed(side) ? side : side || '?');

/** What a sidecar says of how pictures are taken. */
export interface Wanted {
  readonly layout?: TensorContract['layout'] | undefined;
  readonly channels?: TensorContract['channels'] | undefined;
}

/** Layouts that the input can have. Where no axis says anything it may be both. @throws Unsupported */
function layoutsOf(shape: readonly Side[]): TensorContract['layout'][] {
  const [, second, , fourth] = shape;
  for (const channels of [3, 1]) {
    if (second === channels) return ['nchw'];
    if (fourth === channels) return ['nhwc'];
  }
  const few = isFixed(fourth) && fourth <= 4 ? fourth : undefined;
  const channels = isFixed(second) ? second : few;
  if (channels !== undefined) throw new Unsupported(`its input has ${channels} channels, not 3 (RGB) or 1 (grey)`);
  return isFixed(fourth) ? ['nchw'] : ['nchw', 'nhwc'];
}

/** What the channels are: three are RGB unless a sidecar says otherwise. @throws Unsupported when it says what cannot be */
function channelsOf(axis: Side | undefined, wanted: Wanted['channels']): TensorContract['channels'] {
  const channels = wanted ?? (axis === 1 ? 'grey' : 'rgb');
  const needed = channels === 'grey' ? 1 : 3;
  if (isFixed(axis) && axis !== needed)
    throw new Unsupported(`its input has ${axis} channels, not ${needed} (${channels})`);
  return channels;
}

/** The fixed size; undefined when both sides are free. @throws Unsupported for one that is fixed */
function fixedSize(sides: readonly Side[]): TileSides | undefined {
  const [height, width] = sides;
  if (isFixed(height) && isFixed(width)) return { width, height };
  if (!sides.some(isFixed)) return undefined;
  throw new Unsupported(
    `its input is fixed to ${sides.map(named).join('x')} (height x width): one side of two`,
    'Export it with free sides (dynamic axes), or with both fixed, into which frames are cut.',
  );
}

/**
 * Reads how a graph takes and gives pictures from the types and shapes of its ports.
 *
 * @param wanted what a sidecar says
 * @returns what it may be, most likely first; running it tells which
 * @throws Unsupported when it can be none
 */
export function readShapes(session: InferenceSession, wanted: Wanted): Shape[] {
  const [input, ...moreInputs] = session.inputMetadata;
  const [output, ...moreOutputs] = session.outputMetadata;
  if (!input?.isTensor || !output?.isTensor || moreInputs.length || moreOutputs.length) {
    throw new Unsupported(
      `it has ${session.inputMetadata.length} inputs (${session.inputNames.join(', ')}) and ${session.outputMetadata.length} outputs (${session.outputNames.join(', ')}), not one picture each`,
      'Export it with the picture as its only input and output: make constants of other inputs, leave other outputs out.',
    );
  }
  const type = TYPES.find((known) => known === input.type);
  if (!type || output.type !== input.type) {
    throw new Unsupported(
      `it takes ${input.type} and gives ${output.type}; float32, float16 or uint8 both ways is needed`,
    );
  }
  const { shape } = input;
  if (shape.length !== 4) throw new Unsupported(`its input has ${shape.length} dimensions, not 4`);
  const [count] = shape;
  if (isFixed(count) && count > 1) {
    throw new Unsupported(
      `it takes ${count} pictures at once, neither more nor fewer`,
      'Export it for one picture (a batch of 1), or with a free batch axis.',
    );
  }
  const layouts = wanted.layout ? [wanted.layout] : layoutsOf(shape);
  return layouts.map((layout) => ({
    ...{ layout, type, single: count === 1 },
    channels: channelsOf(shape[layout === 'nchw' ? 1 : 3], wanted.channels),
    tile: fixedSize(layout === 'nchw' ? shape.slice(2) : shape.slice(1, 3)),
  }));
}
