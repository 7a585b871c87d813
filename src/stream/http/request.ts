import type { IncomingMessage, ServerResponse } from 'node:http';
import { RelayRefusal } from '../relay-error.js';
import { sameSecret } from '../token.js';

/** Reads a request's body. @throws RelayRefusal `too-large` */
export async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) throw new RelayRefusal('too-large', `more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Checks the bearer token. @throws RelayRefusal `unauthorized` */
export function requireToken(request: IncomingMessage, token: string | undefined): void {
  if (token === undefined) return;
  const given = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (!sameSecret(given, token)) throw new RelayRefusal('unauthorized', 'the bearer token is missing or wrong');
}

/** Answers with problem details (RFC 9457). */
export function sendProblem(response: ServerResponse, refusal: RelayRefusal): void {
  if (response.headersSent) return void response.destroy();
  const body = JSON.stringify({
    type: 'about:blank',
    title: refusal.message,
    status: refusal.status,
    code: refusal.code,
  });
  response.writeHead(refusal.status, {
    'content-type': 'application/problem+json',
    ...refusal.headers,
    ...(refusal.code === 'unauthorized' ? { 'www-authenticate': 'Bearer' } : {}),
    ...(refusal.status === 503 || refusal.status === 429 ? { 'retry-after': '2' } : {}),
    ...(refusal.code === 'too-large' ? { connection: 'close' } : {}),
  });
  response.end(body);
}
