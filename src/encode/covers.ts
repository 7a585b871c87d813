import { join } from 'node:path';
import { runTool } from '../shared/ffmpeg.js';
import { fileUrl, SAFE_INPUT_OPTIONS } from '../shared/input-options.js';
import type { MediaInfo } from '../shared/media.js';

/** A cover picture as a file of its own. */
export interface CoverFile {
  readonly path: string;
  readonly mimeType: string;
  readonly name: string;
}

const TYPES: Readonly<Record<string, { extension: string; mimeType: string }>> = {
  png: { extension: 'png', mimeType: 'image/png' },
  mjpeg: { extension: 'jpg', mimeType: 'image/jpeg' },
  bmp: { extension: 'bmp', mimeType: 'image/bmp' },
  gif: { extension: 'gif', mimeType: 'image/gif' },
  webp: { extension: 'webp', mimeType: 'image/webp' },
};

/** Picture codecs of covers that can be made files. */
export const COVER_CODECS = Object.keys(TYPES);

/**
 * Extracts the cover art for a container that keeps it as an attachment (Matroska).
 *
 * @param folder where the pictures go; the caller removes it
 * @returns the pictures, without those that could not be read
 */
export async function extractCovers(source: MediaInfo, folder: string, signal?: AbortSignal): Promise<CoverFile[]> {
  const covers: CoverFile[] = [];
  for (const { index, type, codec } of source.others) {
    const kind = TYPES[codec];
    if (type !== 'cover' || !kind) continue;
    const name = `cover${covers.length || ''}.${kind.extension}`;
    const path = join(folder, name);
    const result = await runTool(
      'ffmpeg',
      [
        ...['-v', 'error', '-nostdin', '-y', ...SAFE_INPUT_OPTIONS, '-i', fileUrl(source.path)],
        ...['-map', `0:${index}`, '-c', 'copy', '-frames:v', '1', '-f', 'image2pipe', fileUrl(path)],
      ],
      signal,
    );
    if (result.code === 0) covers.push({ path, mimeType: kind.mimeType, name });
  }
  return covers;
}
