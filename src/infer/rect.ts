import type { PlaneLayout } from '../shared/layout.js';

/** Size of a rectangle in samples of a plane. */
export interface Rect {
  readonly width: number;
  readonly height: number;
}

/** Copies a rectangle from one plane to another, row by row; positions in samples of the planes. */
export function copyRect(
  source: Uint8Array,
  from: PlaneLayout,
  sourceX: number,
  sourceY: number,
  target: Uint8Array,
  to: PlaneLayout,
  targetX: number,
  targetY: number,
  rect: Rect,
): void {
  const bytes = rect.width * from.pixelBytes;
  for (let row = 0; row < rect.height; row += 1) {
    const start = from.offset + (sourceY + row) * from.stride + sourceX * from.pixelBytes;
    target.set(
      source.subarray(start, start + bytes),
      to.offset + (targetY + row) * to.stride + targetX * to.pixelBytes,
    );
  }
}
