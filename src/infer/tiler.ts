import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { type FrameLayout, frameLayout, isSubsampled, type PlaneLayout, sampleBytes } from '../shared/layout.js';
import { runOne } from './engine.js';
import { copyRect, type Rect } from './rect.js';
import type { SessionSpec, TileSpec } from './session-spec.js';
import { featherWeights, seamStart, tileStarts } from './tile-plan.js';

/** Upscales one picture of the tile's layout. */
export type TileRun = (tile: Uint8Array, layout: FrameLayout) => Promise<ArrayBuffer>;

interface Axis {
  /** Tile starts in input pixels. */
  readonly starts: readonly number[];
  /** Tile side in input pixels. */
  readonly side: number;
  /** Tiles start at multiples of it, and seams. */
  readonly step: number;
}

/**
 * Tiles start at even pixels, where models that halve the picture see the same pairs as in a whole frame, and chroma of
 * 4:2:0 has its samples. Only an odd last start reaches the end of some lengths: packed RGB allows it.
 */
function axisOf(length: number, side: number, overlap: number): Axis {
  const step = length > side && (length - side) % 2 ? 1 : 2;
  return { side, step, starts: tileStarts(length, side, overlap, step) };
}

/** Samples are counted per plane: an output x in a plane is `x * scale >> shift`. */
function inPlane(pixels: number, scale: number, plane: PlaneLayout): number {
  return (pixels * scale) >> plane.shift;
}

/**
 * Cuts frames into overlapping tiles and joins their results. Where two tiles overlap, both are right in the middle
 * (the overlap is at least twice the margin), and there they are mixed by rising weights; pixels are mixed by a graph,
 * rows only copied here.
 */
export class Tiler {
  readonly #spec: SessionSpec;
  readonly #tile: TileSpec;
  readonly #blend: InferenceSession;
  readonly #columns: Axis;
  readonly #rows: Axis;

  constructor(spec: SessionSpec, tile: TileSpec, blend: InferenceSession) {
    this.#spec = spec;
    this.#tile = tile;
    this.#blend = blend;
    const overlap = 2 * tile.margin + tile.feather;
    this.#columns = axisOf(spec.width, tile.width, overlap);
    this.#rows = axisOf(spec.height, tile.height, overlap);
  }

  /** Upscales `count` packed frames tile by tile. */
  async run(frames: Uint8Array, count: number, run: TileRun): Promise<ArrayBuffer> {
    const { format, width, height, scale } = this.#spec;
    const input = frameLayout(format, width, height);
    const output = frameLayout(format, width * scale, height * scale);
    const result = new Uint8Array(count * output.bytes);
    for (let index = 0; index < count; index += 1) {
      const frame = frames.subarray(index * input.bytes, (index + 1) * input.bytes);
      await this.#frame(frame, input, result.subarray(index * output.bytes, (index + 1) * output.bytes), output, run);
    }
    return result.buffer;
  }

  async #frame(frame: Uint8Array, input: FrameLayout, result: Uint8Array, output: FrameLayout, run: TileRun) {
    const { format, width, scale } = this.#spec;
    const { side } = this.#rows;
    const band = frameLayout(format, width * scale, side * scale);
    for (const [index, top] of this.#rows.starts.entries()) {
      const pixels = await this.#band(frame, input, top, band, run);
      await this.#join({
        from: { data: pixels, layout: band },
        into: { data: result, layout: output },
        start: top,
        previousEnd: index === 0 ? undefined : (this.#rows.starts[index - 1] ?? 0) + side,
        axis: this.#rows,
        vertical: true,
      });
    }
  }

  /** One row of tiles, joined to the frame's full width. */
  async #band(frame: Uint8Array, input: FrameLayout, top: number, band: FrameLayout, run: TileRun) {
    const { format, scale } = this.#spec;
    const { side } = this.#columns;
    const tile = frameLayout(format, side, this.#rows.side);
    const upscaled = frameLayout(format, side * scale, this.#rows.side * scale);
    const result = new Uint8Array(band.bytes);
    for (const [index, left] of this.#columns.starts.entries()) {
      const cut = new Uint8Array(tile.bytes);
      for (const [number, plane] of tile.planes.entries()) {
        const source = input.planes[number] as PlaneLayout;
        const rect: Rect = { width: side >> plane.shift, height: plane.rows };
        copyRect(frame, source, left >> plane.shift, top >> plane.shift, cut, plane, 0, 0, rect);
      }
      await this.#join({
        from: { data: new Uint8Array(await run(cut, tile)), layout: upscaled },
        into: { data: result, layout: band },
        start: left,
        previousEnd: index === 0 ? undefined : (this.#columns.starts[index - 1] ?? 0) + side,
        axis: this.#columns,
        vertical: false,
      });
    }
    return result;
  }

  /** Copies a part into the whole along one axis; the seam to what is there already is mixed. */
  async #join(part: {
    readonly from: { readonly data: Uint8Array; readonly layout: FrameLayout };
    readonly into: { readonly data: Uint8Array; readonly layout: FrameLayout };
    readonly start: number;
    readonly previousEnd: number | undefined;
    readonly axis: Axis;
    readonly vertical: boolean;
  }): Promise<void> {
    const { from, into, start, previousEnd, axis, vertical } = part;
    const { side, step } = axis;
    const { scale } = this.#spec;
    const { feather } = this.#tile;
    const seam = previousEnd === undefined ? undefined : seamStart(start, previousEnd, feather, step);
    const kept = seam === undefined ? start : seam + feather;
    for (const [number, plane] of from.layout.planes.entries()) {
      const target = into.layout.planes[number] as PlaneLayout;
      const across = vertical ? plane.stride / plane.pixelBytes : plane.rows;
      const place = (pixels: number) => inPlane(pixels, scale, plane);
      const rect = (length: number): Rect =>
        vertical ? { width: across, height: length } : { width: length, height: across };
      const copy = (source: number, destination: number, length: number) =>
        vertical
          ? copyRect(from.data, plane, 0, source, into.data, target, 0, destination, rect(length))
          : copyRect(from.data, plane, source, 0, into.data, target, destination, 0, rect(length));
      copy(place(kept - start), place(kept), place(start + side - kept));
      if (seam === undefined) continue;
      const strip = rect(place(feather));
      const at = (pixels: number): [number, number] => (vertical ? [0, place(pixels)] : [place(pixels), 0]);
      const stripPlane = { ...plane, offset: 0, stride: strip.width * plane.pixelBytes, rows: strip.height };
      const take = (data: Uint8Array, layout: PlaneLayout, pixels: number) => {
        const pixelsOfStrip = new Uint8Array(stripPlane.stride * strip.height);
        const [x, y] = at(pixels);
        copyRect(data, layout, x, y, pixelsOfStrip, stripPlane, 0, 0, strip);
        return pixelsOfStrip;
      };
      const mixed = await this.#mix(
        take(into.data, target, seam),
        take(from.data, plane, seam - start),
        stripPlane,
        vertical,
      );
      const [x, y] = at(seam);
      copyRect(mixed, stripPlane, 0, 0, into.data, target, x, y, strip);
    }
  }

  async #mix(a: Uint8Array, b: Uint8Array, strip: PlaneLayout, vertical: boolean): Promise<Uint8Array> {
    const { format } = this.#spec;
    const bytes = sampleBytes(format);
    const columns = strip.stride / bytes;
    const dims = [strip.rows, columns];
    const tensor = (data: Uint8Array) =>
      bytes === 1 ? new Tensor('uint8', data, dims) : new Tensor('uint16', new Uint16Array(data.buffer), dims);
    const channels = isSubsampled(format) ? 1 : 3;
    const ramp = featherWeights(vertical ? strip.rows : columns / channels);
    const weight = vertical
      ? new Tensor('float32', ramp, [strip.rows, 1])
      : new Tensor(
          'float32',
          Float32Array.from({ length: columns }, (_, i) => ramp[Math.floor(i / channels)] ?? 0),
          [1, columns],
        );
    const { data } = await runOne(this.#blend, { a: tensor(a), b: tensor(b), weight });
    const mixed = data as Uint8Array | Uint16Array;
    return new Uint8Array(mixed.buffer, mixed.byteOffset, mixed.byteLength);
  }
}
