import { describe, expect, it } from 'vitest';
import { type FrameFormat, frameLayout } from '#src/shared/layout.js';
import { ffmpeg } from '../support/ffmpeg.js';

describe('the layout of a raw frame', () => {
  it.each([
    ['rgb24', 34, 18],
    ['rgb24', 33, 17],
    ['rgb48le', 33, 17],
    ['yuv420p', 34, 18],
    ['yuv420p10le', 34, 18],
  ] as const)('%s %ix%i has as many bytes as ffmpeg writes', async (format, width, height) => {
    const raw = await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      `color=s=64x64,format=${format},crop=${width}:${height}:0:0:exact=1`,
      '-frames:v',
      '1',
      '-pix_fmt',
      format,
      '-f',
      'rawvideo',
      '-',
    );
    const { bytes, planes } = frameLayout(format, width, height);
    expect(bytes).toBe(raw.length);
    const end = planes.map(({ offset, stride, rows }) => offset + stride * rows);
    expect(end.at(-1)).toBe(bytes);
    for (const [index, { offset }] of planes.entries()) expect(offset).toBe(index === 0 ? 0 : end[index - 1]);
  });

  it.each([
    ['yuv420p', 33, 18],
    ['yuv420p10le', 34, 17],
    ['rgb24', 0, 10],
    ['rgb24', 10, -1],
    ['rgb24', 1.5, 10],
    ['rgb24', Number.NaN, 10],
    ['rgba', 10, 10],
    [undefined, 10, 10],
  ])('%s of %fx%f is refused', (format, width, height) => {
    const refused = expect.objectContaining({
      code: 'TSR_USAGE',
      hint: expect.stringContaining("frameLayout('rgb24'"),
    });
    expect(() => frameLayout(format as FrameFormat, width, height)).toThrow(refused);
  });
});
