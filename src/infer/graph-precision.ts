import { closeSync, fstatSync, openSync } from 'node:fs';
import { ProtobufFile, type Span } from './protobuf.js';
import type { ModelVariant } from './types.js';

type Precision = ModelVariant['precision'];

/** Element types of onnx.proto that products are computed in. */
const FLOATS: Readonly<Record<number, Precision>> = { 1: 'fp32', 10: 'fp16' };
/** What nearly all of a network's time goes into; the second input is the weights. */
const PRODUCTS = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm']);
/** The same of bytes, and where their weights are. */
const BYTE_PRODUCTS: Readonly<Record<string, number>> = {
  ConvInteger: 1,
  MatMulInteger: 1,
  QLinearConv: 3,
  QLinearMatMul: 3,
};
/** What changes a tensor's shape at most. */
const SAME_NUMBERS = new Set(['Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze']);
/** Operations between a product and where its weights come from, at most. */
const MOST_STEPS = 16;

interface TensorHead {
  readonly type: number;
  readonly elements: number;
}

interface GraphNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What a Cast makes; 0 for others. */
  readonly to: number;
  /** Value of a Constant. */
  readonly constant: TensorHead | undefined;
}

/** Operations and constants of a graph, by the names of what they give. */
interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly makers: ReadonlyMap<string, GraphNode>;
  readonly constants: ReadonlyMap<string, TensorHead>;
}

function readTensor(file: ProtobufFile, span: Span): TensorHead & { readonly name: string } {
  let [type, elements, name] = [0, 1, ''];
  for (const field of file.fields(span)) {
    // One number a field, or all of them in one.
    if (field.id === 1)
      for (const side of field.end > field.start ? file.numbers(field) : [field.value]) elements *= side;
    else if (field.id === 2) type = field.value;
    else if (field.id === 8) name = file.text(field);
  }
  return { type, elements, name };
}

function readNode(file: ProtobufFile, span: Span): GraphNode {
  const [inputs, outputs]: [string[], string[]] = [[], []];
  let [op, to] = ['', 0];
  let constant: TensorHead | undefined;
  for (const field of file.fields(span)) {
    if (field.id === 1) inputs.push(file.text(field));
    else if (field.id === 2) outputs.push(file.text(field));
    else if (field.id === 4) op = file.text(field);
    else if (field.id === 5) {
      let name = '';
      for (const part of file.fields(field)) {
        if (part.id === 1) name = file.text(part);
        else if (part.id === 3 && name === 'to') to = part.value;
        else if (part.id === 5 && name === 'value') constant = readTensor(file, part);
      }
    }
  }
  return { op, inputs, outputs, to, constant };
}

function readGraph(file: ProtobufFile, span: Span): Graph {
  const nodes: GraphNode[] = [];
  const constants = new Map<string, TensorHead>();
  for (const field of file.fields(span)) {
    if (field.id === 1) nodes.push(readNode(file, field));
    else if (field.id === 5) {
      const tensor = readTensor(file, field);
      constants.set(tensor.name, tensor);
    }
  }
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  return { nodes, makers, constants };
}

/** Numbers in which weights arrive at a product, and how many they are; undefined: they are computed, or of another type. */
function weightsOf(
  graph: Graph,
  name: string,
  steps = 0,
): { readonly precision: Precision; readonly elements: number } | undefined {
  const maker = graph.makers.get(name);
  const found = graph.constants.get(name) ?? maker?.constant;
  if (found) {
    const precision = FLOATS[found.type];
    return precision && { precision, elements: found.elements };
  }
  if (!maker || steps >= MOST_STEPS) return undefined;
  const [first = '', scale = ''] = maker.inputs;
  if (SAME_NUMBERS.has(maker.op)) return weightsOf(graph, first, steps + 1);
  const stored = graph.constants.get(first) ?? graph.makers.get(first)?.constant;
  if (!stored) return undefined;
  const type =
    maker.op === 'Cast' ? maker.to : maker.op === 'DequantizeLinear' ? graph.constants.get(scale)?.type : undefined;
  const precision = FLOATS[type ?? 0];
  return precision && { precision, elements: stored.elements };
}

/** A product whose picture and weights are both made of bytes is computed in bytes: the runtime joins the operations. */
function isOfBytes({ makers }: Graph, { inputs }: GraphNode): boolean {
  return inputs.slice(0, 2).every((name) => makers.get(name)?.op === 'DequantizeLinear');
}

/**
 * The numbers that an ONNX file computes with: those of most of the weights of its products. Its ports do not tell, as they
 * are mostly float32 whatever is within.
 *
 * @returns undefined when it has no products, or they cannot be read
 */
export function graphPrecision(path: string): Precision | undefined {
  const fd = openSync(path, 'r');
  try {
    const file = new ProtobufFile(fd);
    const sums = new Map<Precision, number>();
    const add = (precision: Precision, elements: number) => sums.set(precision, (sums.get(precision) ?? 0) + elements);
    for (const field of file.fields({ start: 0, end: fstatSync(fd).size })) {
      if (field.id !== 7) continue;
      const graph = readGraph(file, field);
      for (const node of graph.nodes) {
        const place = BYTE_PRODUCTS[node.op];
        if (place !== undefined) add('int8', graph.constants.get(node.inputs[place] ?? '')?.elements ?? 1);
        if (!PRODUCTS.has(node.op)) continue;
        const found = weightsOf(graph, node.inputs[1] ?? '');
        if (found) add(isOfBytes(graph, node) ? 'int8' : found.precision, found.elements);
      }
    }
    return [...sums].sort((a, b) => b[1] - a[1])[0]?.[0];
  } catch {
    // The runtime has loaded it: what cannot be read here is a way to write it that is not known here.
    return undefined;
  } finally {
    closeSync(fd);
  }
}
