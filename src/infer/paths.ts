import { fileURLToPath } from 'node:url';

/** Folder of the models that ship, beside dist/. */
export const MODELS_DIR = fileURLToPath(new URL('../../models/', import.meta.url));

/** Path of an adapter graph, e.g. `blend8`. */
export function adapterPath(name: string): string {
  return `${MODELS_DIR}adapters/${name}.onnx`;
}
