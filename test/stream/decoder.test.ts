import { describe, expect, it } from 'vitest';
import { frameLayout } from '#src/shared/layout.js';
import { Decoder } from '#src/stream/bridge/decoder.js';
import type { LiveFormat } from '#src/stream/bridge/plan.js';
import { ffmpeg } from '../support/ffmpeg.js';

const SIZE = { width: 64, height: 64 };

/** A green of R 40, G 135, B 60 as Y, U, V. */
const GREEN = { bt601: [100, 109, 92], bt709: [110, 105, 89] } as const;

/** One coded picture of one colour. @param tags what the stream says of its colours */
function h264Picture([y, u, v]: readonly number[], ...tags: readonly string[]): Promise<Buffer> {
  return ffmpeg(
    ...['-f', 'lavfi', '-i', `color=size=${SIZE.width}x${SIZE.height},format=yuv420p,geq=${y}:${u}:${v}`],
    ...['-frames:v', '1', '-c:v', 'libx264', '-profile:v', 'baseline', '-qp', '4', ...tags, '-f', 'h264', '-'],
  );
}

/** Y, U and V in the first frame that comes out. */
async function decoded(picture: Buffer, matrix: 'bt601' | 'bt709', format: LiveFormat = 'yuv420p'): Promise<number[]> {
  const { planes, bytes } = frameLayout(format, SIZE.width, SIZE.height);
  let decoder: Decoder | undefined;
  const frame = await new Promise<ArrayBuffer>((resolve, reject) => {
    decoder = new Decoder({
      ...{ codec: 'h264', source: SIZE, most: SIZE, target: SIZE, format, matrix },
      acquire: () => new ArrayBuffer(bytes),
      frame: resolve,
      ended: reject,
    });
    for (let time = 0; time < 200; time += 40) decoder.write(picture, time);
  });
  await decoder?.close();
  const pixels = new Uint8Array(frame);
  if (format === 'rgb24') return [...pixels.subarray(0, 3)];
  return planes.map(({ offset }) => pixels[offset] ?? Number.NaN);
}

/** Conversions in whole numbers are off by up to two codes. */
function expectNear(actual: readonly number[], wanted: readonly number[]): void {
  const farthest = Math.max(...wanted.map((value, plane) => Math.abs(value - (actual[plane] ?? Number.NaN))));
  expect(farthest, `${actual} instead of ${wanted}`).toBeLessThanOrEqual(2);
}

describe('size of pictures that are decoded', () => {
  const most = { width: 128, height: 96 };
  const outcome = async (size: string) => {
    const coded = await ffmpeg(
      ...['-f', 'lavfi', '-i', `testsrc2=size=${size}`, '-frames:v', '1', '-c:v', 'libx264', '-f', 'h264', '-'],
    );
    let decoder: Decoder | undefined;
    const result = await new Promise<string>((resolve) => {
      decoder = new Decoder({
        // What the stream was said to be is not what it is.
        ...{ codec: 'h264', source: SIZE, most, target: SIZE, format: 'yuv420p', matrix: 'bt709' },
        acquire: () => new ArrayBuffer(frameLayout('yuv420p', SIZE.width, SIZE.height).bytes),
        frame: () => resolve('frame'),
        ended: () => resolve('ended'),
      });
      for (let time = 0; time < 200; time += 40) decoder.write(coded, time);
      setTimeout(() => resolve('nothing'), 4000);
    });
    await decoder?.close();
    return result;
  };

  it('has a limit, whatever size the stream announced', async () => {
    expect(await outcome('128x96')).toBe('frame');
    expect(await outcome('100x70')).toBe('frame');
    expect(await outcome('1280x720')).not.toBe('frame');
  }, 60_000);
});

describe('colours of H.264 that is decoded', () => {
  it('that does not say them is taken for BT.709, as Chromium shows it', async () => {
    const picture = await h264Picture(GREEN.bt709);
    expectNear(await decoded(picture, 'bt709'), GREEN.bt709);
    expectNear(await decoded(picture, 'bt601'), GREEN.bt601);
  });

  it('are right in RGB', async () => {
    expectNear(await decoded(await h264Picture(GREEN.bt709), 'bt709', 'rgb24'), [40, 135, 60]);
    const said = await h264Picture(GREEN.bt601, '-colorspace', 'smpte170m', '-color_range', 'tv');
    expectNear(await decoded(said, 'bt709', 'rgb24'), [40, 135, 60]);
  });

  it('are those that the stream says', async () => {
    const picture = await h264Picture(GREEN.bt601, '-colorspace', 'smpte170m', '-color_range', 'tv');
    expectNear(await decoded(picture, 'bt709'), GREEN.bt709);
    expectNear(await decoded(picture, 'bt601'), GREEN.bt601);
  });
});
