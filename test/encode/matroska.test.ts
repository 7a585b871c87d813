import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { frameHeader, matroskaHeader } from '#src/encode/matroska.js';
import { type FrameFormat, frameLayout } from '#src/shared/layout.js';
import { ffmpeg, frameTimes, videoStream } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';

const folder = testFolder();

function noise(bytes: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + seed * 97 + (i >> 7)) & 255));
}

describe('raw frames in Matroska', () => {
  it.each([
    ['rgb24', 33, 17],
    ['rgb48le', 33, 17],
    ['yuv420p', 34, 18],
    ['yuv420p10le', 34, 18],
  ] as const)('ffmpeg reads %s %ix%i back, bytes and times', async (format: FrameFormat, width, height) => {
    const layout = frameLayout(format, width, height);
    // Unequal steps, one of them 33.366667 ms; ten bits have no more than ten.
    const times = [0n, 33_366_667n, 33_366_668n, 1_000_000_000n, 3_600_000_000_123n];
    const frames = times.map((_, seed) => {
      const data = noise(layout.bytes, seed);
      if (format === 'yuv420p10le') for (let i = 1; i < data.length; i += 2) data[i] = (data[i] ?? 0) & 3;
      return data;
    });
    const parts = frames.flatMap((data, i) => [frameHeader(layout.bytes, times[i] ?? 0n), data]);
    const path = folder.file(`${format}.mkv`);
    await writeFile(path, Buffer.concat([matroskaHeader(layout, 0.04), ...parts]));

    const stream = await videoStream(path);
    expect([stream.codec_name, stream.pix_fmt, stream.width, stream.height]).toEqual([
      'rawvideo',
      format,
      width,
      height,
    ]);
    expect(stream.time_base).toBe('1/1000000000');
    const read = await ffmpeg('-i', path, '-fps_mode', 'passthrough', '-f', 'rawvideo', '-');
    expect(read.equals(Buffer.concat(frames))).toBe(true);
    // Ten seconds are added, so that times before zero can be written.
    const expected = times.map((time) => Number(time + 10_000_000_000n) / 1e9);
    for (const [index, time] of (await frameTimes(path)).entries()) expect(time).toBeCloseTo(expected[index] ?? 0, 5);
  });

  it('times down to -10 s are written, earlier ones are refused', () => {
    expect(frameHeader(10, -10_000_000_000n).length).toBeGreaterThan(20);
    expect(() => frameHeader(10, -10_000_000_001n)).toThrow(RangeError);
  });
});
