import { InferenceSession, Tensor } from 'onnxruntime-node';
import { runOne, sessionOptions } from './engine.js';
import type { TensorContract } from './types.js';

/** What inspection found. */
export type Inspection =
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'unsupported'; readonly reason: string }
  | {
      readonly kind: 'model';
      readonly scale: 2 | 3 | 4;
      readonly contract: TensorContract;
      readonly multiple: number;
      /** Fixed input side; undefined when sizes are free. */
      readonly tile: number | undefined;
    };

/** Side of the pictures tried, before the multiple is added. */
const TRY_SIDE = 32;
const MULTIPLES = [1, 2, 4, 8, 16, 32, 64];
const TYPES = ['float32', 'float16', 'uint8'] as const;

class Unsupported extends Error {}

interface Shape {
  readonly layout: 'nchw' | 'nhwc';
  readonly type: TensorContract['type'];
  readonly tile: number | undefined;
}

function readShape(session: InferenceSession, wanted: Partial<TensorContract>): Shape {
  const [input, ...moreInputs] = session.inputMetadata;
  const [output, ...moreOutputs] = session.outputMetadata;
  if (!input?.isTensor || !output?.isTensor || moreInputs.length || moreOutputs.length) {
    throw new Unsupported(
      `it has ${session.inputMetadata.length} inputs and ${session.outputMetadata.length} outputs, not one picture each`,
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
  const layout = wanted.layout ?? (shape[1] === 3 ? 'nchw' : shape[3] === 3 ? 'nhwc' : undefined);
  if (!layout) {
    const channels = typeof shape[1] === 'number' ? shape[1] : shape[3];
    throw new Unsupported(`its input has ${channels} channels, not 3 (RGB)`);
  }
  const sides = layout === 'nchw' ? shape.slice(2) : shape.slice(1, 3);
  const fixed = sides.filter((side): side is number => typeof side === 'number' && side > 0);
  if (fixed.length === 1 || fixed[0] !== fixed[1])
    throw new Unsupported(`its input is fixed to ${sides.join('x')}; only squares can be`);
  return { layout, type, tile: fixed[0] };
}

const halfFloat = (value: number) => ({ 0: 0, 0.5: 0x3800, 127.5: 0x57f8 })[value] ?? 0;

function grey(side: number, { layout, type }: Shape, level: number): Tensor {
  const dims = layout === 'nchw' ? [1, 3, side, side] : [1, side, side, 3];
  const length = 3 * side * side;
  if (type === 'float32') return new Tensor('float32', new Float32Array(length).fill(level), dims);
  if (type === 'float16') return new Tensor('float16', new Uint16Array(length).fill(halfFloat(level)), dims);
  return new Tensor('uint8', new Uint8Array(length).fill(level), dims);
}

/** Runs a grey picture; undefined when the graph refuses the size. */
async function attempt(
  session: InferenceSession,
  shape: Shape,
  side: number,
  level: number,
): Promise<Tensor | undefined> {
  const name = session.inputNames[0] ?? '';
  return runOne(session, { [name]: grey(side, shape, level) }).catch(() => undefined);
}

function scaleOf(output: Tensor, side: number, layout: 'nchw' | 'nhwc'): number {
  const [height, width, channels] = layout === 'nchw' ? [2, 3, 1] : [1, 2, 3];
  if (output.dims.length !== 4 || output.dims[channels] !== 3) {
    throw new Unsupported(`its output has shape ${output.dims.join('x')}, not an RGB picture`);
  }
  return output.dims[height] === output.dims[width] ? (output.dims[width] ?? 0) / side : Number.NaN;
}

/** Mean of a float output; half floats are widened by hand as Node 20 has no type for them. */
function mean(tensor: Tensor): number {
  const data = tensor.data as Float32Array | Uint16Array;
  let sum = 0;
  for (const value of data) {
    sum += data instanceof Uint16Array ? widen(value) : value;
  }
  return sum / data.length;
}

function widen(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

async function rangeOf(session: InferenceSession, shape: Shape, side: number): Promise<1 | 255> {
  if (shape.type === 'uint8') return 255;
  // A model gives grey for grey; one that works in 0..255 takes 0.5 for black and its bias shows.
  const errors = await Promise.all(
    [1, 255].map(async (white) => {
      const output = await attempt(session, shape, side, white / 2);
      return output ? Math.abs(mean(output) / white - 0.5) : Number.POSITIVE_INFINITY;
    }),
  );
  return (errors[1] ?? 1) + 0.02 < (errors[0] ?? 1) ? 255 : 1;
}

async function inspect(file: string, wanted: Partial<TensorContract>): Promise<Inspection> {
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(file, sessionOptions('cpu', 2));
  } catch (error) {
    return { kind: 'invalid', reason: error instanceof Error ? error.message : String(error) };
  }
  const shape = readShape(session, wanted);
  const tries = shape.tile === undefined ? MULTIPLES : [shape.tile];
  for (const multiple of tries) {
    const side = shape.tile ?? TRY_SIDE * Math.ceil(multiple / TRY_SIDE) + multiple;
    const output = await attempt(session, shape, side, shape.type === 'uint8' ? 128 : 0.5);
    if (!output) continue;
    const scale = scaleOf(output, side, shape.layout);
    if (scale !== 2 && scale !== 3 && scale !== 4) {
      // A graph that crops or pads to a multiple shows a broken ratio at the sizes that do not fit.
      if (Number.isInteger(scale) || multiple === tries.at(-1))
        throw new Unsupported(`it enlarges x${Number(scale.toFixed(3))}, not x2, x3 or x4`);
      continue;
    }
    const range = wanted.range ?? (await rangeOf(session, shape, side));
    const contract = { layout: shape.layout, type: shape.type, range };
    return { kind: 'model', scale, contract, multiple: shape.tile === undefined ? multiple : 1, tile: shape.tile };
  }
  throw new Unsupported('it runs on none of the picture sizes tried');
}

/** Entry of a process of its own, as a hostile file may crash the runtime: prints what it found as JSON. */
const { file, contract } = JSON.parse(process.argv[2] ?? '{}') as { file: string; contract: Partial<TensorContract> };
const result = await inspect(file, contract).catch((error: unknown): Inspection => {
  const reason = error instanceof Error ? error.message : String(error);
  return { kind: error instanceof Unsupported ? 'unsupported' : 'invalid', reason };
});
process.stdout.write(JSON.stringify(result), () => process.exit(0));
