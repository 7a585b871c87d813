import type { IncomingMessage } from 'node:http';
import { isLoopback, type RelaySettings } from '../options.js';

/** Whether a request comes from the relay's own page, or from a program that is no browser: these do not say from where. */
export function fromOwnPage(
  { headers: { origin, host } }: IncomingMessage,
  settings: Pick<RelaySettings, 'host' | 'token'>,
): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  // A name of somebody else's may be made to lead here (DNS rebinding): without a token only this machine's own will do.
  const open = settings.token === undefined && isLoopback(settings.host);
  if (open && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) return false;
  return url.host === host;
}
