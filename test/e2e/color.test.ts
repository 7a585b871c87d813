/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ffmpeg } from '../support/ffmpeg.js';
import { testFolder } from '../support/folder.js';
import { PATIENCE, waitForFrames } from './browser.js';
import { linkOf, openRelay, testBrowser } from './stage.js';
import { connectByHttp } from './whip-page.js';

/**
 * Green and red far from grey, where a wrong matrix shows most. The blue is a pale one: of what blue differs from grey,
 * Chromium without a GPU shows a twentieth too little in BT.709 (the factor 2.112 does not fit into its 8 bits and
 * becomes 2), 6 codes in a strong blue.
 */
const COLORS = [
  [40, 135, 60],
  [200, 60, 40],
  [60, 80, 150],
] as const;

/** What two encoders at low bit rates and conversions in whole numbers take away; a wrong matrix or range is off by 12 to 17. */
const TOLERANCE = 9;

const folder = testFolder();

/** Replaces the camera of the page by three fields of colour. */
function installFields(page: Page): Promise<void> {
  return page.evaluate((colors) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 192, height: 96 });
    const brush = canvas.getContext('2d', { alpha: false });
    const draw = () =>
      colors.forEach(([red, green, blue], index) => {
        if (brush) brush.fillStyle = `rgb(${red} ${green} ${blue})`;
        brush?.fillRect(index * 64, 0, 64, 96);
      });
    draw();
    setInterval(draw, 1000 / 15);
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream();
  }, COLORS);
}

/** What a `<video>` shows in the middle of the fields. */
function shownColors(page: Page, id: string): Promise<number[][]> {
  return page.evaluate((name) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 192, height: 96 });
    const brush = canvas.getContext('2d');
    brush?.drawImage(document.getElementById(name) as HTMLVideoElement, 0, 0, 192, 96);
    return [32, 96, 160].map((x) => [...(brush?.getImageData(x, 48, 1, 1).data ?? [])].slice(0, 3));
  }, id);
}

/** Waits until a `<video>` shows these colours, or those of another `<video>`; the first frames may be coarse. */
async function expectColors(page: Page, id: string, wanted: readonly (readonly number[])[] | string): Promise<void> {
  await waitForFrames(page, id, 5);
  const farthest = async () => {
    const expected = typeof wanted === 'string' ? await shownColors(page, wanted) : wanted;
    const differences = (await shownColors(page, id)).flatMap((color, index) =>
      color.map((value, channel) => Math.abs(value - (expected[index]?.[channel] ?? 0))),
    );
    return Math.max(...differences);
  };
  await expect.poll(farthest, { timeout: PATIENCE, interval: 500 }).toBeLessThanOrEqual(TOLERANCE);
}

const hex = (color: readonly number[]) => `0x${Buffer.from(color).toString('hex')}`;

describe('colours', { timeout: 5 * PATIENCE }, () => {
  const stage = testBrowser('160x90');

  it.each([
    ['video/VP8', 'vp8'],
    ['video/H264', 'h264'],
    ['video/H264', 'vp8'],
    ['video/VP9', 'h264'],
  ] as const)('%s upscaled to %s are those of the original', async (prefer, codec) => {
    await using relay = await openRelay({ targetDelay: 2000, codec });
    const publisher = await stage.browser.open(relay.url);
    await installFields(publisher);
    expect((await connectByHttp(publisher, 'whip', `${relay.url}/whip/fields`, { prefer })).status).toBe(201);
    const viewer = await stage.browser.open(`${relay.url}/r/fields`);
    // What the browser makes of a canvas on the way into a codec is its own affair, and differs with its version.
    await expectColors(viewer, 'after', 'before');
    await Promise.all([publisher.close(), viewer.close()]);
  });

  it('of a file are shown as they are in the file', async () => {
    const file = folder.file('fields.mp4');
    const fields = COLORS.map((color) => `color=${hex(color)}:size=64x96:rate=15:duration=3`);
    const names = COLORS.map((_, index) => `[${index}:v]`).join('');
    await ffmpeg(
      ...fields.flatMap((field) => ['-f', 'lavfi', '-i', field]),
      ...['-filter_complex', `${names}hstack=3,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p`],
      ...['-colorspace', 'bt709', '-color_range', 'tv', '-color_primaries', 'bt709', '-color_trc', 'bt709', file],
    );
    await using relay = await openRelay({ targetDelay: 2000 });
    const publisher = await stage.browser.open(relay.url);
    await publisher.selectOption('#size', '180');
    await publisher.setInputFiles('#file', file);
    const viewer = await stage.browser.open(await linkOf(publisher));
    await expectColors(viewer, 'before', COLORS);
    await expectColors(viewer, 'after', COLORS);
    await Promise.all([publisher.close(), viewer.close()]);
  });
});
