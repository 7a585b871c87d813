import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { TinySRError } from '../../shared/errors.js';

/** The page's files; nothing else is ever read for a request. */
const FILES = ['index.html', 'style.css', 'client.js', 'icon.svg'] as const;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A file of the page. */
export interface StaticFile {
  readonly type: string;
  readonly body: Buffer;
}

/** Reads the page's files. @throws TinySRError `TSR_INTERNAL` when the installation is damaged */
export async function loadPage(): Promise<ReadonlyMap<string, StaticFile>> {
  const entries = await Promise.all(
    FILES.map(async (name) => {
      const body = await readFile(new URL(`../page/${name}`, import.meta.url)).catch((cause) => {
        throw new TinySRError('TSR_INTERNAL', `the relay's page is not complete: ${name} is missing`, {
          hint: 'Install tinysr-video again; in a checkout: npm run build.',
          cause,
        });
      });
      return [`/${name}`, { type: TYPES[extname(name)] ?? 'application/octet-stream', body }] as const;
    }),
  );
  return new Map(entries);
}
