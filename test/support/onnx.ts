/** Writes tiny ONNX files: just enough of protobuf and of onnx.proto3. */

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

const number = (field: number, value: number) => Buffer.from([...varint(field << 3), ...varint(value)]);

function bytes(field: number, data: Buffer | string): Buffer {
  const body = Buffer.from(data as string);
  return Buffer.concat([Buffer.from([...varint((field << 3) | 2), ...varint(body.length)]), body]);
}

/** Element types of onnx.proto3. */
export const TYPES = { float32: 1, uint8: 2, int8: 3, int64: 7, float16: 10 } as const;
type Type = keyof typeof TYPES;

/** A number, or a name for one that is free. */
type Side = number | string;

/** A constant of a graph. */
export interface Constant {
  readonly name: string;
  readonly type: Type;
  readonly dims: readonly number[];
  /** Little-endian values; or the file that holds them. */
  readonly data: Buffer | { readonly external: string; readonly bytes: number };
}

/** An operation of a graph. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, string | number | readonly number[]>>;
}

/** An input or output. */
export interface Port {
  readonly name: string;
  readonly type: Type;
  readonly shape: readonly Side[];
}

function constant({ name, type, dims, data }: Constant): Buffer {
  const fields = [...dims.map((dim) => number(1, dim)), number(2, TYPES[type]), bytes(8, name)];
  if (Buffer.isBuffer(data)) return Buffer.concat([...fields, bytes(9, data)]);
  const entry = (key: string, value: string) => bytes(13, Buffer.concat([bytes(1, key), bytes(2, value)]));
  return Buffer.concat([
    ...fields,
    entry('location', data.external),
    entry('length', String(data.bytes)),
    number(14, 1),
  ]);
}

function attribute([name, value]: [string, string | number | readonly number[]]): Buffer {
  if (typeof value === 'string') return Buffer.concat([bytes(1, name), bytes(4, value), number(20, 3)]);
  if (typeof value === 'number') return Buffer.concat([bytes(1, name), number(3, value), number(20, 2)]);
  return Buffer.concat([bytes(1, name), ...value.map((part) => number(8, part)), number(20, 7)]);
}

function node({ op, inputs, outputs, attributes = {} }: Node): Buffer {
  const names = [...inputs.map((name) => bytes(1, name)), ...outputs.map((name) => bytes(2, name)), bytes(4, op)];
  return Buffer.concat([...names, ...Object.entries(attributes).map((entry) => bytes(5, attribute(entry)))]);
}

function port({ name, type, shape }: Port): Buffer {
  const dims = shape.map((side) => bytes(1, typeof side === 'number' ? number(1, side) : bytes(2, side)));
  const tensor = Buffer.concat([number(1, TYPES[type]), bytes(2, Buffer.concat(dims))]);
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, tensor))]);
}

/** An ONNX model of operator set 17. */
export function onnx(
  inputs: readonly Port[],
  outputs: readonly Port[],
  nodes: readonly Node[],
  constants: readonly Constant[] = [],
): Buffer {
  const graph = Buffer.concat([
    ...nodes.map((one) => bytes(1, node(one))),
    bytes(2, 'graph'),
    ...constants.map((one) => bytes(5, constant(one))),
    ...inputs.map((one) => bytes(11, port(one))),
    ...outputs.map((one) => bytes(12, port(one))),
  ]);
  const operators = Buffer.concat([bytes(1, ''), number(2, 17)]);
  return Buffer.concat([number(1, 8), bytes(7, graph), bytes(8, operators)]);
}

/** Little-endian 64-bit integers. */
export function integers(...values: readonly number[]): Buffer {
  return Buffer.from(BigInt64Array.from(values, BigInt).buffer);
}

/** Little-endian floats. */
export function floats(...values: readonly number[]): Buffer {
  return Buffer.from(Float32Array.from(values).buffer);
}

/** How a picture is enlarged by {@link enlarger}. */
export interface Enlarger {
  readonly scale: number;
  readonly layout?: 'nchw' | 'nhwc';
  readonly type?: 'float32' | 'uint8';
  readonly mode?: 'nearest' | 'linear';
  readonly channels?: Side;
  /** Pictures a run; default: free. */
  readonly count?: Side;
  /** Factor of the width; default: `scale`. */
  readonly across?: number;
  /** Sides of the input; default: free. */
  readonly sides?: readonly [Side, Side];
  /** Operations on `picture` that give `prepared`. */
  readonly before?: readonly Node[];
  readonly constants?: readonly Constant[];
}

/** A model that enlarges by repeating pixels, or linearly. */
export function enlarger(options: Enlarger): Buffer {
  const {
    scale,
    layout = 'nchw',
    type = 'float32',
    mode = 'nearest',
    channels = 3,
    count = 'n',
    across = scale,
    before = [],
    constants = [],
  } = options;
  const [height, width] = options.sides ?? ['h', 'w'];
  const shape = (h: Side, w: Side): Side[] => (layout === 'nchw' ? [count, channels, h, w] : [count, h, w, channels]);
  const factors = layout === 'nchw' ? [1, 1, scale, across] : [1, scale, across, 1];
  const fixed = (side: Side, name: string, by: number) => (typeof side === 'number' ? side * by : name);
  return onnx(
    [{ name: 'picture', type, shape: shape(height, width) }],
    [{ name: 'enlarged', type, shape: shape(fixed(height, 'H', scale), fixed(width, 'W', across)) }],
    [
      ...before,
      {
        op: 'Resize',
        inputs: [before.length ? 'prepared' : 'picture', '', 'factors'],
        outputs: ['enlarged'],
        attributes: { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
      },
    ],
    [{ name: 'factors', type: 'float32', dims: [4], data: floats(...factors) }, ...constants],
  );
}
