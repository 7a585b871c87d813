import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../lib/paths.mjs';

/** A module of the built package. */
export const dist = (file) => import(pathToFileURL(join(ROOT, 'dist', ...file.split('/'))).href);
