import type { OptionDefinition } from '../shared/option-definition.js';

/** Options of `tinysr-video bench`, in the order of the help. Lists are separated by commas. */
export const BENCH_OPTIONS: readonly OptionDefinition[] = [
  { name: 'quick', flag: '--quick', description: 'one model at two sizes, within 30 seconds' },
  { name: 'full', flag: '--full', description: 'measure every cell for long, and predict none; takes many minutes' },
  {
    ...{ name: 'model', flag: '-m, --model', value: '<name,…>', env: 'TINYSR_MODEL' },
    ...{ description: 'names of models that ship, or ONNX files', default: 'all that ship; with --quick the first' },
  },
  {
    ...{ name: 'peer', flag: '--peer', value: '<file.onnx,…>' },
    description: 'other ONNX models to put beside them',
  },
  {
    ...{ name: 'device', flag: '-d, --device', value: '<name,…>', env: 'TINYSR_DEVICE' },
    ...{ description: 'devices to measure', default: 'all that can be used here; with --stream the best of them' },
  },
  {
    ...{ name: 'size', flag: '--size', value: '<name,…>' },
    ...{
      description: 'input sizes: 240p, 270p, 360p, 480p, 720p or WxH',
      default: 'all five; with --quick 240p,270p; with --stream 270p,720p',
    },
  },
  {
    ...{ name: 'input', flag: '-i, --input', value: '<file>' },
    ...{ description: 'a video of your own, at its own size', default: 'moving textured pictures made by ffmpeg' },
  },
  {
    ...{ name: 'batch', flag: '--batch', value: '<n>' },
    ...{ description: 'frames a run', default: 'by device and memory' },
  },
  {
    ...{ name: 'threads', flag: '--threads', value: '<n>', env: 'TINYSR_THREADS' },
    ...{ description: 'CPU threads of inference', default: 'all cores' },
  },
  {
    ...{ name: 'stream', flag: '--stream' },
    description: 'measure the live path instead: a source in real time through the bridge of the relay',
  },
  {
    ...{ name: 'fps', flag: '--fps', value: '<n,…>' },
    ...{ description: 'with --stream: frames a second of the source', default: '30' },
  },
  {
    ...{ name: 'seconds', flag: '--seconds', value: '<n>' },
    ...{ description: 'with --stream: how long each source runs', default: '30; with --quick 20, with --full 120' },
  },
  { name: 'json', flag: '--json', description: 'print the results as JSON instead of a table' },
  { name: 'report', flag: '--report', value: '<file.html>', description: 'write a page with charts, all in one file' },
  {
    ...{ name: 'compare', flag: '--compare', value: '<old.json>' },
    description: 'show what changed since a run whose --json was kept, and how much of it is noise',
  },
];
