import { open, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { PICTURE_EXTENSIONS } from '../decode/pictures/kinds.js';
import { TinySRError } from '../shared/errors.js';
import { entriesOf, type ForeignNames, type InputFile } from './foreign-names.js';

/** Extensions by which videos are found in a folder. */
const VIDEO_EXTENSIONS = new Set([
  ...['.3g2', '.3gp', '.apng', '.asf', '.avi', '.divx', '.dv', '.f4v', '.flv', '.gif', '.m1v', '.m2p', '.m2t', '.m2ts'],
  ...['.m2v', '.m4v', '.mjpeg', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.mpv', '.mts', '.mxf', '.ogm', '.ogv', '.qt'],
  ...['.rm', '.rmvb', '.tod', '.ts', '.vob', '.vro', '.webm', '.wmv', '.y4m'],
]);

/** Extensions that camcorders and Video CDs share with what is no video: tracker music, data of any kind. */
const AMBIGUOUS_EXTENSIONS = new Set(['.dat', '.mod']);

/** Whether a file begins as those of camcorders (MPEG: pack, sequence) and Video CDs (RIFF of kind CDXA) do. */
async function beginsAsMpeg(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined);
  if (!file) return false;
  try {
    const head = Buffer.alloc(12);
    await file.read(head, 0, head.length, 0);
    const start = head.toString('hex', 0, 4);
    return start === '000001ba' || start === '000001b3' || head.toString('latin1', 8) === 'CDXA';
  } catch {
    return false;
  } finally {
    await file.close();
  }
}

async function isVideo(path: string): Promise<boolean> {
  const extension = extname(path).toLowerCase();
  return VIDEO_EXTENSIONS.has(extension) || (AMBIGUOUS_EXTENSIONS.has(extension) && (await beginsAsMpeg(path)));
}

function isPicture(name: string): boolean {
  return PICTURE_EXTENSIONS.has(extname(name).toLowerCase());
}

/** A file of a folder. */
interface Named extends InputFile {
  /** Whether its name is no UTF-8. */
  readonly isForeign: boolean;
}

/** Files of a folder that are not taken for videos, as their names say otherwise. */
export interface PassedOver {
  readonly folder: string;
  readonly files: number;
  /** Their extensions, each once; an empty one is that of names without. */
  readonly extensions: readonly string[];
}

/** What {@link expandInputs} found. */
export interface Expanded {
  readonly files: readonly InputFile[];
  readonly passedOver: readonly PassedOver[];
  /** Files whose names are no UTF-8, as they are told of. */
  readonly foreign: readonly string[];
}

/**
 * The inputs, folders replaced by the videos directly in them, or by the pictures where there is no video (beside videos
 * they are covers and stills), and what was passed over in each folder.
 *
 * @param names gives files paths by which they can be opened
 */
export async function expandInputs(inputs: readonly string[], names: ForeignNames): Promise<Expanded> {
  const files: InputFile[] = [];
  const passedOver: PassedOver[] = [];
  const foreign: string[] = [];
  for (const input of inputs) {
    const info = await stat(input).catch(() => undefined);
    if (!info?.isDirectory()) {
      files.push({ path: input, shown: input });
      continue;
    }
    const entries = await entriesOf(input).catch((cause: NodeJS.ErrnoException) => {
      throw new TinySRError('TSR_INPUT_UNREADABLE', `${input}: the folder cannot be read (${cause.code})`, {
        hint: 'Change its permissions.',
        cause,
      });
    });
    const candidates = entries.filter(({ name, isFolder }) => !isFolder && !name.startsWith('.'));
    const named = candidates.map((entry) => ({ entry, shown: join(input, entry.name) }));
    const [videos, pictures, others]: [Named[], Named[], Named[]] = [[], [], []];
    for (const { entry, shown } of named.sort((a, b) => (a.shown < b.shown ? -1 : 1))) {
      const file = { path: await names.pathOf(input, entry), shown, isForeign: entry.bytes !== undefined };
      const kind = (await isVideo(file.path)) ? videos : isPicture(shown) ? pictures : others;
      kind.push(file);
    }
    const [taken, left] = videos.length ? [videos, [...pictures, ...others]] : [pictures, others];
    files.push(...taken.map(({ path, shown }) => ({ path, shown })));
    foreign.push(...taken.filter(({ isForeign }) => isForeign).map(({ shown }) => shown));
    const extensions = [...new Set(left.map(({ shown }) => extname(shown).toLowerCase()))].sort();
    if (left.length) passedOver.push({ folder: input, files: left.length, extensions });
  }
  return { files, passedOver, foreign };
}
