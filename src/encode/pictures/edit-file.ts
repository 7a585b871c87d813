import type { FileHandle } from 'node:fs/promises';
import { bytesAt } from '../../shared/pictures/chunks.js';

/** Bytes that are moved at once. */
const BLOCK = 1 << 20;

/** Writes all of it: a disk that fills takes a part, and says so only when it is given the rest. */
export async function writeAt(file: FileHandle, position: number, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Makes room in a file by moving what follows back, and writes there. */
export async function insertAt(file: FileHandle, position: number, bytes: Buffer): Promise<void> {
  for (let end = (await file.stat()).size; end > position; ) {
    const start = Math.max(position, end - BLOCK);
    const block = await bytesAt(file, start, end - start);
    await writeAt(file, start + bytes.length, block);
    end = start;
  }
  await writeAt(file, position, bytes);
}
