import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
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

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'permissions-policy': 'camera=(self), microphone=(self), display-capture=(self), fullscreen=(self)',
  'cross-origin-opener-policy': 'same-origin',
} as const;

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

/** Answers with a file of the page. */
export function sendFile(response: ServerResponse, status: number, { type, body }: StaticFile): void {
  response.writeHead(status, { ...SECURITY_HEADERS, 'content-type': type, 'cache-control': 'no-cache' });
  response.end(body);
}
