import { X509Certificate } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import { TinySRError } from '../../shared/errors.js';
import { log } from '../../shared/log.js';
import { selfSigned } from '../certificate.js';
import type { RelaySettings } from '../options.js';

/** How often the files of a certificate are looked at, in milliseconds. */
const LOOK_MS = 30_000;

/** A certificate chain and its private key, as PEM. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** Where they come from. */
export interface CredentialFiles {
  readonly tlsCert: string;
  readonly tlsKey: string;
}

/** Reads a certificate and its key and holds them to each other. @throws TinySRError `TSR_RELAY_CONFIG` */
export async function readCredentials({ tlsCert, tlsKey }: CredentialFiles): Promise<Credentials> {
  let pair: Credentials;
  try {
    const [cert, key] = await Promise.all([readFile(tlsCert, 'utf8'), readFile(tlsKey, 'utf8')]);
    pair = { cert, key };
  } catch (cause) {
    throw new TinySRError('TSR_RELAY_CONFIG', 'the TLS certificate or its key cannot be read', { cause });
  }
  try {
    createSecureContext(pair);
  } catch (cause) {
    throw new TinySRError('TSR_RELAY_CONFIG', 'the TLS certificate and its key do not work together', {
      hint: 'Give PEM files: --tls-cert the chain, its own certificate first, and --tls-key the key of that one, without a password.',
      cause,
    });
  }
  return pair;
}

/** What the relay's HTTP side shows; undefined: it speaks plain HTTP. @throws TinySRError `TSR_RELAY_CONFIG` */
export async function credentialsOf(
  settings: Pick<RelaySettings, 'tlsCert' | 'tlsKey' | 'selfSigned' | 'host' | 'announcedAddress'>,
): Promise<Credentials | undefined> {
  const { tlsCert, tlsKey } = settings;
  if (tlsCert && tlsKey) return readCredentials({ tlsCert, tlsKey });
  return settings.selfSigned ? selfSigned(settings) : undefined;
}

/**
 * Takes up a certificate that was renewed while the server runs: connections from then on see it. Files that do not fit
 * (yet: the two are not written at one moment) leave what is in use.
 *
 * The files are looked at by name, not watched: renewals exchange the links that lead to them.
 *
 * @param everyMs between two looks
 * @returns ends it
 */
export function renewCredentials(
  server: Pick<Server, 'setSecureContext'>,
  files: CredentialFiles,
  everyMs = LOOK_MS,
): () => void {
  const renew = async () => {
    try {
      const pair = await readCredentials(files);
      server.setSecureContext(pair);
      log.info({ until: new X509Certificate(pair.cert).validTo }, 'TLS certificate renewed');
    } catch (error) {
      log.warn({ error: String(error) }, 'the TLS certificate has changed and cannot be used; the one before stays');
    }
  };
  const look = () => void renew();
  const paths = [files.tlsCert, files.tlsKey];
  for (const path of paths) watchFile(path, { interval: everyMs, persistent: false }, look);
  return () => {
    for (const path of paths) unwatchFile(path, look);
  };
}
