import { isIP } from 'node:net';
import { runChild } from '../shared/child.js';
import { TinySRError } from '../shared/errors.js';
import type { RelaySettings } from './options.js';

const DAYS = 30;

/** Makes a certificate for this run, signed by nobody else: browsers warn once. @throws TinySRError `TSR_RELAY_CONFIG` */
export async function selfSigned(
  settings: Pick<RelaySettings, 'host' | 'announcedAddress'>,
): Promise<{ readonly cert: string; readonly key: string }> {
  const names = new Set(['localhost', '127.0.0.1', settings.host, settings.announcedAddress ?? 'localhost']);
  const alternatives = [...names].map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`).join(',');
  const args = [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(DAYS)],
    ...['-subj', '/CN=tinysr-video relay', '-addext', `subjectAltName=${alternatives}`, '-keyout', '-', '-out', '-'],
  ];
  const hint = 'Install openssl, or give a certificate with --tls-cert and --tls-key.';
  let text: string;
  try {
    const { code, stdout, stderr } = await runChild('openssl', args, { timeoutMs: 20_000 });
    if (code !== 0) throw new Error(stderr);
    text = stdout.toString();
  } catch (cause) {
    throw new TinySRError('TSR_RELAY_CONFIG', 'a self-signed certificate could not be made', { hint, cause });
  }
  const part = (name: string) => new RegExp(`-----BEGIN ${name}-----[^-]+-----END ${name}-----`).exec(text)?.[0];
  const [cert, key] = [part('CERTIFICATE'), part('PRIVATE KEY')];
  if (!cert || !key) throw new TinySRError('TSR_RELAY_CONFIG', 'openssl gave no certificate', { hint });
  return { cert, key };
}
