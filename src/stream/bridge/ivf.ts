/**
 * IVF carries packets with their size and time: to ffmpeg on stdin (coded pictures of any codec, raw pictures), and
 * from it (VP8). Nothing waits for a start code of the next picture.
 */
const FILE_HEADER = 32;
const FRAME_HEADER = 12;

/** The head of an IVF stream whose times are milliseconds. */
export function ivfHeader(
  fourcc: 'VP80' | 'VP90' | 'H264' | 'I420' | 'RGB\u0018',
  width: number,
  height: number,
): Buffer {
  const header = Buffer.alloc(FILE_HEADER);
  header.write('DKIF');
  header.writeUInt16LE(FILE_HEADER, 6);
  header.write(fourcc, 8);
  header.writeUInt16LE(width, 12);
  header.writeUInt16LE(height, 14);
  header.writeUInt32LE(1000, 16);
  header.writeUInt32LE(1, 20);
  return header;
}

/** What goes before each picture. */
export function ivfFrameHeader(bytes: number, timeMs: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER);
  header.writeUInt32LE(bytes, 0);
  header.writeBigUInt64LE(BigInt(timeMs), 4);
  return header;
}

/** A coded picture that ffmpeg wrote. */
export interface CodedPicture {
  /** One VP8 frame, or one NAL unit an entry. */
  readonly units: readonly Buffer[];
  readonly key: boolean;
  readonly timeMs: number;
}

/** Reads bytes that come in pieces. */
class Pieces {
  #data: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#data = this.#data.length === 0 ? chunk : Buffer.concat([this.#data, chunk]);
  }

  /** The next bytes without taking them; undefined when there are fewer. */
  peek(length: number): Buffer | undefined {
    return this.#data.length < length ? undefined : this.#data.subarray(0, length);
  }

  skip(length: number): void {
    this.#data = this.#data.subarray(length);
  }
}

/** Coded pictures from ffmpeg's stdout. */
export interface PictureReader {
  push(chunk: Buffer): CodedPicture[];
}

/** Pictures of an IVF stream (VP8). */
export class IvfReader implements PictureReader {
  readonly #pieces = new Pieces();
  #begun = false;

  push(chunk: Buffer): CodedPicture[] {
    this.#pieces.push(chunk);
    const pictures: CodedPicture[] = [];
    if (!this.#begun) {
      if (!this.#pieces.peek(FILE_HEADER)) return pictures;
      this.#pieces.skip(FILE_HEADER);
      this.#begun = true;
    }
    for (;;) {
      const header = this.#pieces.peek(FRAME_HEADER);
      const bytes = header?.readUInt32LE(0) ?? 0;
      const frame = header && this.#pieces.peek(FRAME_HEADER + bytes);
      if (!frame) return pictures;
      const data = frame.subarray(FRAME_HEADER);
      const timeMs = Number(frame.readBigUInt64LE(4));
      this.#pieces.skip(FRAME_HEADER + bytes);
      if (bytes > 0) pictures.push({ units: [data], key: (data.readUInt8(0) & 1) === 0, timeMs });
    }
  }
}

const FLV_HEADER = 13;
const TAG_HEADER = 11;
const PREVIOUS_SIZE = 4;
const SPS = 7;

/** Pictures of an FLV stream (H.264). */
export class FlvReader implements PictureReader {
  readonly #pieces = new Pieces();
  #begun = false;
  #parameterSets: Buffer[] = [];

  push(chunk: Buffer): CodedPicture[] {
    this.#pieces.push(chunk);
    const pictures: CodedPicture[] = [];
    if (!this.#begun) {
      if (!this.#pieces.peek(FLV_HEADER)) return pictures;
      this.#pieces.skip(FLV_HEADER);
      this.#begun = true;
    }
    for (;;) {
      const header = this.#pieces.peek(TAG_HEADER);
      const bytes = header?.readUIntBE(1, 3) ?? 0;
      const tag = header && this.#pieces.peek(TAG_HEADER + bytes);
      // The size that follows a tag comes with the next write; it is not waited for.
      if (!tag) return pictures;
      const trailer = this.#pieces.peek(TAG_HEADER + bytes + PREVIOUS_SIZE);
      if (!trailer) return pictures;
      this.#pieces.skip(TAG_HEADER + bytes + PREVIOUS_SIZE);
      if (tag.readUInt8(0) === 9 && bytes > 5) {
        const timeMs = tag.readUIntBE(4, 3) + tag.readUInt8(7) * 2 ** 24;
        const picture = this.#video(tag.subarray(TAG_HEADER), timeMs);
        if (picture) pictures.push(picture);
      }
    }
  }

  #video(body: Buffer, timeMs: number): CodedPicture | undefined {
    const type = body.readUInt8(1);
    const data = body.subarray(5);
    if (type === 0) this.#parameterSets = readParameterSets(data);
    if (type !== 1) return undefined;
    const units = lengthPrefixed(data);
    if (units.length === 0) return undefined;
    const key = body.readUInt8(0) >> 4 === 1;
    const hasParameters = units.some((unit) => (unit.readUInt8(0) & 0x1f) === SPS);
    return { units: key && !hasParameters ? [...this.#parameterSets, ...units] : units, key, timeMs };
  }
}

function lengthPrefixed(data: Buffer): Buffer[] {
  const units: Buffer[] = [];
  for (let offset = 0; offset + 4 <= data.length; ) {
    const length = data.readUInt32BE(offset);
    if (length > 0) units.push(data.subarray(offset + 4, offset + 4 + length));
    offset += 4 + length;
  }
  return units;
}

/** SPS and PPS of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15). */
function readParameterSets(record: Buffer): Buffer[] {
  const sets: Buffer[] = [];
  let offset = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = (record[offset] ?? 0) & mask;
    offset += 1;
    for (let i = 0; i < count && offset + 2 <= record.length; i += 1) {
      const length = record.readUInt16BE(offset);
      sets.push(record.subarray(offset + 2, offset + 2 + length));
      offset += 2 + length;
    }
  }
  return sets;
}
