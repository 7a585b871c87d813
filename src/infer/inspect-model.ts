import { InferenceSession, Tensor } from 'onnxruntime-node';
import { runOne, sessionOptions } from './engine.js';
import { graphPrecision } from './graph-precision.js';
import { readShapes, type Shape, Unsupported, type Wanted } from './model-shape.js';
import { runtimeWords } from './runtime-words.js';
import type { ModelVariant, TensorContract, TileSides } from './types.js';

/** What inspection found. */
export type Inspection =
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'unsupported'; readonly reason: string; readonly hint?: string | undefined }
  | {
      readonly kind: 'model';
      readonly scale: 2 | 3 | 4;
      readonly contract: TensorContract;
      readonly precision: ModelVariant['precision'];
      readonly multiple: number;
      /** Fixed input size; undefined when sizes are free. */
      readonly tile: TileSides | undefined;
      /** 1 when the graph takes no more pictures a run; undefined when any number. */
      readonly batch: 1 | undefined;
    };

/** What is known before, from a sidecar. */
export interface Known extends Wanted {
  readonly range?: TensorContract['range'] | undefined;
  readonly multiple?: number | undefined;
}

/** What inspection is asked; crosses processes as JSON. */
export interface InspectionRequest {
  readonly file: string;
  readonly known: Known;
}

/** A picture in pixels, or several. */
interface Size {
  readonly height: number;
  readonly width: number;
  readonly count?: number;
}

/** Shortest side of the pictures tried. */
const TRY_SIDE = 32;
/** Multiples tried: of halving (1, 2, 4 …) and of windows (3, 7 and what is halved before them). */
const MULTIPLES = [1, 2, 3, 4, 6, 7, 8, 12, 14, 16, 24, 28, 32, 48, 56, 64, 96, 112, 128];

/**
 * A picture that shows a multiple: whatever divides its height and its width, which is `multiple` more, divides `multiple`.
 * And that sides need not be equal.
 */
function tryOf(multiple: number, tile: TileSides | undefined): Size {
  if (tile) return tile;
  const height = multiple * Math.ceil(TRY_SIDE / multiple);
  return { height, width: height + multiple };
}

const halfFloat = (value: number) => ({ 0: 0, 0.5: 0x3800, 127.5: 0x57f8 })[value] ?? 0;

function grey({ height, width, count = 1 }: Size, { layout, type, channels }: Shape, level: number): Tensor {
  const samples = channels === 'grey' ? 1 : 3;
  const dims = layout === 'nchw' ? [count, samples, height, width] : [count, height, width, samples];
  const length = count * samples * height * width;
  if (type === 'float32') return new Tensor('float32', new Float32Array(length).fill(level), dims);
  if (type === 'float16') return new Tensor('float16', new Uint16Array(length).fill(halfFloat(level)), dims);
  return new Tensor('uint8', new Uint8Array(length).fill(level), dims);
}

const words = (error: unknown) => runtimeWords(error instanceof Error ? error.message : String(error));

/** Runs grey pictures; the runtime's words when the graph refuses the size. */
function attempt(session: InferenceSession, shape: Shape, size: Size, level: number): Promise<Tensor | string> {
  const name = session.inputNames[0] ?? '';
  return runOne(session, { [name]: grey(size, shape, level) }).catch(words);
}

/** Enlargement; not a number where the two sides grow differently. @throws Unsupported when no picture of such channels came out */
function scaleOf(output: Tensor, { height, width }: Size, { layout, channels }: Shape): number {
  const [row, column, channel] = layout === 'nchw' ? [2, 3, 1] : [1, 2, 3];
  const isGrey = channels === 'grey';
  if (output.dims.length !== 4 || output.dims[channel] !== (isGrey ? 1 : 3)) {
    throw new Unsupported(`its output has shape ${output.dims.join('x')}, not ${isGrey ? 'a grey' : 'an RGB'} picture`);
  }
  const scale = (output.dims[row] ?? 0) / height;
  return scale === (output.dims[column] ?? 0) / width ? scale : Number.NaN;
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

/** How far from the middle the grey that comes out for the middle one may be, as a share of white. */
const GREY_ERROR = 0.4;

/** Value of white. @throws Unsupported when neither 1 nor 255 can be: something else than a picture came out */
async function rangeOf(session: InferenceSession, shape: Shape, size: Size): Promise<1 | 255> {
  if (shape.type === 'uint8') return 255;
  // A model gives grey for grey; one that works in 0..255 takes 0.5 for black and its bias shows.
  const means = await Promise.all(
    [1, 255].map(async (white) => {
      const output = await attempt(session, shape, size, white / 2);
      return typeof output === 'string' ? Number.POSITIVE_INFINITY : mean(output);
    }),
  );
  const [error1 = 1, error255 = 1] = [1, 255].map((white, index) => Math.abs((means[index] ?? 0) / white - 0.5));
  if (!(Math.min(error1, error255) <= GREY_ERROR)) {
    throw new Unsupported(
      `for grey of 0.5 it gives ${short(means[0])}, for grey of 127.5 ${short(means[1])}: it takes and gives neither 0 to 1 nor 0 to 255`,
      'Export it in a wrapper that does (docs/models.md); or say in its sidecar what white is, if it is right as it is.',
    );
  }
  return error255 + 0.02 < error1 ? 255 : 1;
}

const short = (value = Number.NaN) => Number(value.toPrecision(3));

/** Whether two pictures come out of a run as two: graphs are exported with a batch of one baked in, whatever their axes say. */
async function takesTwo(session: InferenceSession, shape: Shape, size: Size, level: number): Promise<boolean> {
  if (shape.single) return false;
  const output = await attempt(session, shape, { ...size, count: 2 }, level);
  return typeof output !== 'string' && output.dims[0] === 2;
}

/** @throws Unsupported with what is wrong when it is no upscaler of that shape */
async function inspectAs(
  session: InferenceSession,
  shape: Shape,
  { file, known }: InspectionRequest,
): Promise<Inspection> {
  const { layout, type, channels, tile } = shape;
  const tries = tile !== undefined ? [1] : known.multiple !== undefined ? [known.multiple] : MULTIPLES;
  const level = type === 'uint8' ? 128 : 0.5;
  let refusal = '';
  let broken: number | undefined;
  for (const multiple of tries) {
    const size = tryOf(multiple, tile);
    const output = await attempt(session, shape, size, level);
    if (typeof output === 'string') {
      refusal = output;
      continue;
    }
    const scale = scaleOf(output, size, shape);
    if (scale === 2 || scale === 3 || scale === 4) {
      const range = known.range ?? (await rangeOf(session, shape, size));
      // Tiles run one by one.
      const batch = tile !== undefined || (await takesTwo(session, shape, size, level)) ? undefined : 1;
      const precision = graphPrecision(file) ?? (type === 'float16' ? 'fp16' : 'fp32');
      return { kind: 'model', scale, contract: { layout, type, range, channels }, precision, multiple, tile, batch };
    }
    // A graph that crops or pads to a multiple shows a broken ratio at the sizes that do not fit.
    broken = Number.isNaN(scale) ? (broken ?? scale) : scale;
    if (Number.isInteger(scale)) break;
  }
  if (broken !== undefined) {
    const found = Number.isNaN(broken) ? 'enlarges sides unequally' : `enlarges x${Number(broken.toFixed(3))}`;
    throw new Unsupported(`it ${found}, not x2, x3 or x4`);
  }
  const sizes = [tries[0], tries.at(-1)].map((multiple = 1) => {
    const { width, height } = tryOf(multiple, tile);
    return `${width}x${height}`;
  });
  throw new Unsupported(
    `it runs on none of the picture sizes tried (${[...new Set(sizes)].join(' to ')}): ${refusal}`,
    'Was it exported with free sides (dynamic axes)? Multiples that are tried by themselves, and how to name another, are in docs/models.md.',
  );
}

async function inspect(request: InspectionRequest): Promise<Inspection> {
  const { file, known } = request;
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(file, sessionOptions('cpu', 2));
  } catch (error) {
    return { kind: 'invalid', reason: words(error) };
  }
  let refused: unknown;
  for (const shape of readShapes(session, known)) {
    try {
      return await inspectAs(session, shape, request);
    } catch (error) {
      refused ??= error;
    }
  }
  throw refused;
}

/** Entry of a process of its own, as a hostile file may crash the runtime: prints what it found as JSON. */
const result = await inspect(JSON.parse(process.argv[2] ?? '{}') as InspectionRequest).catch(
  (error: unknown): Inspection => {
    if (error instanceof Unsupported) return { kind: 'unsupported', reason: error.message, hint: error.hint };
    return { kind: 'invalid', reason: words(error) };
  },
);
process.stdout.write(JSON.stringify(result), () => process.exit(0));
