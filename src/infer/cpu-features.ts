import { readFileSync } from 'node:fs';

/** Flags of /proc/cpuinfo by which a CPU multiplies bytes and adds them up in 32 bits: VNNI on x86, dot products on ARM. */
const BYTE_PRODUCTS = /^(?:flags|Features)\s*:.*\b(?:avx512_vnni|avx_vnni|asimddp)\b/m;

/** Whether the text of /proc/cpuinfo names a CPU with products of bytes. */
export function namesByteProducts(cpuinfo: string): boolean {
  return BYTE_PRODUCTS.test(cpuinfo);
}

let known: boolean | undefined;

/**
 * Whether the CPU has products of bytes. Without them int8 graphs are slower, and on x86 their sums of pairs overflow 16
 * bits, so that pictures come out wrong. Where the system does not say, the answer is no.
 */
export function hasByteProducts(): boolean {
  known ??= look();
  return known;
}

function look(): boolean {
  // Every Mac with its maker's own chips has them.
  if (process.platform === 'darwin') return process.arch === 'arm64';
  if (process.platform !== 'linux') return false;
  try {
    return namesByteProducts(readFileSync('/proc/cpuinfo', 'latin1'));
  } catch {
    return false;
  }
}
