/** Changes to finished mp4 files, for what no muxer here writes. The sizes of boxes are kept right. */

/** A quarter of a transformation matrix as a track header holds it: `a b c d` of x' = ax + cy, y' = bx + dy. */
export type Matrix = readonly [number, number, number, number];

/** The file with another matrix in its first track's header. */
export function withMatrix(file: Buffer, [a, b, c, d]: Matrix): Buffer {
  const changed = Buffer.from(file);
  const header = changed.indexOf('tkhd') + 4;
  // Version 0: flags, three times and ids of 4 bytes, 8 reserved, layer, group, volume and 2 reserved.
  const at = header + 4 + 5 * 4 + 8 + 8;
  if (changed[header] !== 0) throw new Error('the track header is not of version 0');
  const fixed = (value: number) => Math.round(value * 65_536);
  for (const [index, value] of [fixed(a), fixed(b), 0, fixed(c), fixed(d), 0, 0, 0, 1 << 30].entries()) {
    changed.writeInt32BE(value, at + 4 * index);
  }
  return changed;
}

/** Boxes around a sample entry, outermost first. */
const ABOVE_ENTRIES = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd'];

/**
 * The file with one more box at the end of a sample entry. The index must stand at the end of the file, so that no
 * chunk moves.
 *
 * @param entry name of the sample entry, for example `hvc1`
 */
export function withEntryBox(file: Buffer, entry: string, name: string, body: Buffer): Buffer {
  const moov = file.lastIndexOf('moov');
  if (moov < file.indexOf('mdat')) throw new Error('the index does not stand at the end');
  const box = Buffer.concat([Buffer.alloc(4), Buffer.from(name), body]);
  box.writeUInt32BE(box.length);
  const places = [...ABOVE_ENTRIES, entry].map((above) => file.indexOf(above, moov) - 4);
  if (places.some((place) => place < 0)) throw new Error(`no ${entry} in the file`);
  const end = (places.at(-1) ?? 0) + file.readUInt32BE(places.at(-1) ?? 0);
  const changed = Buffer.concat([file.subarray(0, end), box, file.subarray(end)]);
  for (const place of places) changed.writeUInt32BE(changed.readUInt32BE(place) + box.length, place);
  return changed;
}
