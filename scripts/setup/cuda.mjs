import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { run } from '../lib/run.mjs';
import { reason, SetupError } from './step.mjs';

const HOST = 'api.nuget.org';
const FIRST_ANSWER_MS = 45_000;
const DOWNLOAD_MS = 60 * 60_000;

/**
 * Whether the CUDA and TensorRT providers lie beside onnxruntime-node's own library.
 *
 * @param {string} root
 * @returns {boolean}
 */
export function hasCuda(root) {
  const files = providerFiles(root);
  return files.length > 0 && files.every((file) => existsSync(file));
}

/**
 * Downloads the CUDA and TensorRT providers by onnxruntime-node's own install script.
 *
 * @param {{ root: string, log: (line: string) => void }} options
 * @returns {Promise<string>} what there is
 */
export async function setUpCuda({ root, log }) {
  const platform = `${process.platform}/${process.arch}`;
  if (providerFiles(root).length === 0) {
    throw new SetupError(
      `onnxruntime-node has no CUDA provider for ${platform}, only for linux/x64; use --device auto`,
    );
  }
  if (hasCuda(root)) return 'already there';
  log(`CUDA: downloading the provider from ${HOST} (hundreds of MB)`);
  try {
    await download(root);
  } catch (error) {
    throw new SetupError(explain(error));
  }
  if (!hasCuda(root)) throw new SetupError('CUDA: the download ended without its files; run: npm run setup -- --cuda');
  return 'installed; it needs the CUDA 12 runtime and cuDNN 9 of your system, `npx tinysr-video doctor` tells';
}

/** Runs the install script; one that hears nothing from its host is ended early. */
async function download(root) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), FIRST_ANSWER_MS);
  try {
    await run(process.execPath, [join('script', 'install.js')], {
      cwd: packageFolder(root),
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'cuda12' },
      timeoutMs: DOWNLOAD_MS,
      signal: stop.signal,
      onOutput: (text) => {
        if (text.includes('Downloading')) clearTimeout(timer);
      },
    });
  } finally {
    clearTimeout(timer);
  }
}

function explain(error) {
  const text = error.output ?? '';
  const silent = error.name === 'AbortError';
  const unreachable =
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|CERT|Failed to (download|resolve)/;
  if (!silent && !unreachable.test(text)) return `CUDA: onnxruntime-node's install script failed (${reason(error)})`;
  const detail = silent ? `no answer within ${FIRST_ANSWER_MS / 1000} s` : reason(error);
  return `CUDA: ${HOST} cannot be reached from here (${detail}); all else works without it. Try where it is in reach, or set GLOBAL_AGENT_HTTPS_PROXY`;
}

function packageFolder(root) {
  return join(root, 'node_modules', 'onnxruntime-node');
}

/** The files the install script would put in place on this platform; none where it has no such provider. */
function providerFiles(root) {
  const folder = packageFolder(root);
  const metadataFile = join(folder, 'script', 'install-metadata.js');
  if (!existsSync(metadataFile)) return [];
  const platform = `${process.platform}/${process.arch}`;
  const { manifests } = createRequire(import.meta.url)(metadataFile);
  const names = Object.keys(manifests[`${platform}:cuda12`] ?? {});
  return names.map((name) => join(folder, 'bin', 'napi-v6', platform, name));
}
