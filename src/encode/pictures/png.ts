import { crc32 } from 'node:zlib';

/** Where what stands behind a PNG's signature and its first chunk, which comes before all others, begins. */
export const BEHIND_IHDR = 33;

/** A chunk of PNG with its checksum. */
export function pngChunk(name: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), body]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  checksum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, checksum]);
}
