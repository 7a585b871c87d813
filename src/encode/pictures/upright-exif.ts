import { ByteOrder, ENTRY, isTiff } from '../../shared/pictures/tiff-directory.js';

/** Tags of Exif that speak of the picture's form: its sizes are in either directory, of some phones in both. */
const TAG = { orientation: 0x0112, exif: 0x8769 } as const;
const SIZES = { first: [0x0100, 0x0101], inner: [0xa002, 0xa003] } as const;
const [SHORT, LONG] = [3, 4];

/** Reads and writes fields of a structure of TIFF in memory. */
class Fields {
  readonly #bytes: Buffer;
  readonly #order: ByteOrder;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#order = new ByteOrder(bytes);
  }

  /** @throws RangeError beyond the end, as all of these */
  short(at: number): number {
    return this.#order.short(this.#bytes, at);
  }

  long(at: number): number {
    return this.#order.long(this.#bytes, at);
  }

  setShort(at: number, value: number): void {
    this.#order.setShort(this.#bytes, at, value);
  }

  setLong(at: number, value: number): void {
    this.#order.setLong(this.#bytes, at, value);
  }

  /** Where the entry of a tag begins in a directory. */
  find(directory: number, tag: number): number | undefined {
    for (let left = this.short(directory), at = directory + 2; left > 0; left -= 1, at += ENTRY)
      if (this.short(at) === tag) return at;
    return undefined;
  }

  /** Gives a tag that is there a single number, if it is one of the kinds that numbers have. */
  setNumber(directory: number, tag: number, value: number): void {
    const at = this.find(directory, tag);
    if (at === undefined || ![SHORT, LONG].includes(this.short(at + 2))) return;
    this.setShort(at + 2, LONG);
    this.setLong(at + 4, 1);
    this.setLong(at + 8, value);
  }

  /** Where the next directory's place is told, behind a directory. */
  nextOf(directory: number): number {
    return directory + 2 + ENTRY * this.short(directory);
  }
}

/**
 * Exif of a picture, of one that is upright and of another size: the turn is taken out, sizes are set, and the small
 * picture for previews, which is turned as the source was, is left out. All else keeps its place, as makers' notes point
 * into the whole.
 *
 * @param exif a structure of TIFF (CIPA DC-008, 4.5 and 4.6)
 * @returns undefined where it is none
 */
export function uprightExif(
  exif: Buffer,
  { width, height }: { readonly width: number; readonly height: number },
): Buffer | undefined {
  if (!isTiff(exif)) return undefined;
  const made = Buffer.from(exif);
  const fields = new Fields(made);
  try {
    const first = fields.long(4);
    const turn = fields.find(first, TAG.orientation);
    if (turn !== undefined) {
      // Some write it as a long number, which has its last digits elsewhere.
      fields.setShort(turn + 2, SHORT);
      fields.setLong(turn + 4, 1);
      fields.setLong(turn + 8, 0);
      fields.setShort(turn + 8, 1);
    }
    for (const [index, tag] of SIZES.first.entries()) fields.setNumber(first, tag, index ? height : width);
    const inner = fields.find(first, TAG.exif);
    if (inner !== undefined) {
      const directory = fields.long(inner + 8);
      for (const [index, tag] of SIZES.inner.entries()) fields.setNumber(directory, tag, index ? height : width);
    }
    fields.setLong(fields.nextOf(first), 0);
    return made;
  } catch (error) {
    // A directory that points outside.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
