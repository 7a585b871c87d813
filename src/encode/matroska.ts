import type { FrameLayout } from '../shared/layout.js';

/**
 * Raw frames with timestamps for a pipe: the smallest Matroska stream (RFC 9559) that ffmpeg reads. Timestamps count
 * nanoseconds, so no PTS of any time base is rounded to another frame's; every frame is a cluster of one block.
 */

/** Added to every timestamp, as a cluster's is unsigned; the encoder's `-itsoffset` takes it off again. */
export const TIMESTAMP_OFFSET_SECONDS = 10;
const TIMESTAMP_OFFSET_NS = BigInt(TIMESTAMP_OFFSET_SECONDS) * 1_000_000_000n;

/** Codes by which ffmpeg knows raw formats in Matroska's ColourSpace. */
const FOURCC: Readonly<Record<FrameLayout['format'], readonly number[]>> = {
  rgb24: [0x52, 0x47, 0x42, 24],
  rgb48le: [0x52, 0x47, 0x42, 48],
  yuv420p: [0x49, 0x34, 0x32, 0x30],
  yuv420p10le: [0x59, 0x33, 11, 10],
};

/** Element size in eight bytes, and the value that means "until the end". */
function size(bytes: number): Buffer {
  const field = Buffer.alloc(8);
  field.writeBigUInt64BE((1n << 56n) | BigInt(bytes));
  return field;
}
const UNKNOWN_SIZE = Buffer.from('01ffffffffffffff', 'hex');

function element(id: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(id, 'hex'), size(body.length), body]);
}

function unsigned(id: string, value: bigint | number): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigUInt64BE(BigInt(value));
  return element(id, body);
}

const text = (id: string, value: string) => element(id, Buffer.from(value, 'latin1'));

/**
 * What comes before the first frame.
 *
 * @param frameSeconds usual duration of a frame in seconds
 */
export function matroskaHeader(layout: FrameLayout, frameSeconds: number): Buffer {
  const ebml = [
    unsigned('4286', 1),
    unsigned('42f7', 1),
    unsigned('42f2', 4),
    unsigned('42f3', 8),
    text('4282', 'matroska'),
    unsigned('4287', 4),
    unsigned('4285', 2),
  ];
  const info = [unsigned('2ad7b1', 1), text('4d80', 'tinysr-video'), text('5741', 'tinysr-video')];
  const video = [
    unsigned('b0', layout.width),
    unsigned('ba', layout.height),
    element('2eb524', Buffer.from(FOURCC[layout.format])),
  ];
  const track = [
    unsigned('d7', 1),
    unsigned('73c5', 1),
    unsigned('83', 1),
    unsigned('9c', 0),
    unsigned('23e383', Math.round(frameSeconds * 1e9)),
    text('86', 'V_UNCOMPRESSED'),
    element('e0', Buffer.concat(video)),
  ];
  return Buffer.concat([
    element('1a45dfa3', Buffer.concat(ebml)),
    Buffer.from('18538067', 'hex'),
    UNKNOWN_SIZE,
    element('1549a966', Buffer.concat(info)),
    element('1654ae6b', element('ae', Buffer.concat(track))),
  ]);
}

/** Where the timestamp lies in what {@link frameHeader} gives: after the cluster's identifier and size, and its own. */
const TIMESTAMP_AT = 4 + 8 + 1 + 8;

/** A cluster of one block without its timestamp, and the length of frame that it is for. */
let blank: { readonly frameBytes: number; readonly header: Buffer } | undefined;

function blankHeader(frameBytes: number): Buffer {
  // Track 1, no relative time, key frame.
  const block = Buffer.concat([Buffer.from('a3', 'hex'), size(frameBytes + 4), Buffer.from('81000080', 'hex')]);
  const time = unsigned('e7', 0);
  const cluster = Buffer.concat([Buffer.from('1f43b675', 'hex'), size(time.length + block.length + frameBytes)]);
  return Buffer.concat([cluster, time, block]);
}

/**
 * What comes before each frame's bytes.
 *
 * @param ptsNs presentation time in nanoseconds, above -10 s
 * @throws RangeError for an earlier one
 */
export function frameHeader(frameBytes: number, ptsNs: bigint): Buffer {
  const timestamp = ptsNs + TIMESTAMP_OFFSET_NS;
  if (timestamp < 0n) throw new RangeError(`a PTS of ${ptsNs} ns is before -${TIMESTAMP_OFFSET_SECONDS} s`);
  // All frames of a stream are of one length, so that only their times differ.
  if (blank?.frameBytes !== frameBytes) blank = { frameBytes, header: blankHeader(frameBytes) };
  const header = Buffer.from(blank.header);
  header.writeBigUInt64BE(timestamp, TIMESTAMP_AT);
  return header;
}
