import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from '../shared/ffmpeg.js';
import { fileUrl, SAFE_INPUT_OPTIONS } from '../shared/input-options.js';
import type { MediaInfo } from '../shared/media.js';

/** The part of a text track that is shown, as a SubRip file whose times count from the output's zero. */
export interface CueFile {
  /** Of the source's stream. */
  readonly index: number;
  readonly path: string;
}

interface Cue {
  readonly start: number;
  readonly end: number;
  readonly lines: string[];
}

const TIMES = /^(\d+):(\d\d):(\d\d),(\d{3}) --> (\d+):(\d\d):(\d\d),(\d{3})/;

/** Milliseconds of the four numbers of a time. */
function milliseconds(numbers: readonly string[]): number {
  const [hours = 0, minutes = 0, seconds = 0, rest = 0] = numbers.map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest;
}

/** A text may have empty lines, so a cue lasts until the next number with times below it. */
function cuesOf(text: string): Cue[] {
  const lines = text.split(/\r?\n/);
  const cues: Cue[] = [];
  for (const [i, line] of lines.entries()) {
    const times = TIMES.exec(line)?.slice(1);
    if (times) cues.push({ start: milliseconds(times.slice(0, 4)), end: milliseconds(times.slice(4)), lines: [] });
    else if (!(/^\d+$/.test(line) && TIMES.test(lines[i + 1] ?? ''))) cues.at(-1)?.lines.push(line);
  }
  return cues;
}

function clock(ms: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)},${String(ms % 1000).padStart(3, '0')}`;
}

/**
 * Cuts a SubRip text: cues that have ended are gone, those that begin before the part begin with it, and none outlasts it.
 *
 * @param start seconds of the text's clock that become zero
 * @param end seconds of the text's clock; undefined: to its end
 */
export function cutCues(text: string, start: number, end: number | undefined): string {
  const [from, to] = [Math.round(start * 1000), end === undefined ? Number.POSITIVE_INFINITY : Math.round(end * 1000)];
  const shown = cuesOf(text).filter((cue) => cue.end > from && cue.start < to);
  return shown
    .map((cue, index) => {
      const times = [Math.max(cue.start, from), Math.min(cue.end, to)].map((ms) => clock(ms - from));
      return `${index + 1}\n${times.join(' --> ')}\n${cue.lines.join('\n').trimEnd()}\n\n`;
    })
    .join('');
}

/**
 * ffmpeg options that let no cue of a copied track outlast the part: what a player takes for the end of the video is the
 * end of its last cue. Their text, styles and pictures stay as they are.
 *
 * @param output number of the track in the output
 * @param seconds end of the part on the output's clock; undefined: the video goes to its end
 */
export function cutCopiedCues(output: number, seconds: number | undefined): string[] {
  if (seconds === undefined) return [];
  return [`-bsf:${output}`, `setts=duration=min(DURATION\\,max(0\\,${seconds.toFixed(6)}/TB-PTS))`];
}

/**
 * Cuts text tracks that are to be converted: ffmpeg would convert cues that have ended, at negative times, and the muxer would
 * move all others for them.
 *
 * @param indices of streams with text
 * @param folder where the files go; the caller removes it
 * @returns a file for each that can be read
 */
export async function cutSubtitles(
  source: MediaInfo,
  indices: readonly number[],
  part: { readonly start: number; readonly end: number | undefined },
  folder: string,
  signal?: AbortSignal,
): Promise<CueFile[]> {
  const files: CueFile[] = [];
  for (const index of indices) {
    const path = join(folder, `cues${index}.srt`);
    const until = part.end === undefined ? [] : ['-t', part.end.toFixed(3)];
    const result = await runTool(
      'ffmpeg',
      [
        ...['-v', 'error', '-nostdin', '-y', ...SAFE_INPUT_OPTIONS, '-i', fileUrl(source.path), ...until],
        ...['-map', `0:${index}`, '-c', 'srt', '-f', 'srt', fileUrl(path)],
      ],
      signal,
    );
    if (result.code !== 0) continue;
    await writeFile(path, cutCues(await readFile(path, 'utf8'), part.start, part.end));
    files.push({ index, path });
  }
  return files;
}
