/// <reference lib="dom" />
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { log } from '#src/shared/log.js';
import { createRelay, type Relay } from '#src/stream/relay.js';
import { PATIENCE, startBrowser, type TestBrowser, waitForFrames } from './browser.js';
import { clockReadings, installClock, median, skews, watchClock } from './clock-page.js';

/** The longest that a frame may take from being drawn by the publisher to being shown to a viewer, in milliseconds. */
const HARD_BOUND = 1000;
/** How far picture and sound may be apart, in milliseconds. */
const MOST_SKEW = 80;

describe('what a viewer sees and hears of a clock', { timeout: 5 * PATIENCE }, () => {
  let relay: Relay;
  let browser: TestBrowser;
  let link: string;

  beforeAll(async () => {
    log.level = process.env.TINYSR_TEST_LOG ?? 'silent';
    relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0 });
    browser = await startBrowser('160x90', { bypassCSP: true });
    const publisher = await browser.open(relay.url);
    await installClock(publisher);
    await publisher.selectOption('#size', '180');
    await publisher.click('#use-camera');
    await publisher.waitForFunction(() => (document.getElementById('link') as HTMLInputElement).value !== '');
    link = await publisher.inputValue('#link');
  }, 3 * PATIENCE);

  afterAll(async () => {
    await browser?.close();
    await relay?.close();
  }, PATIENCE);

  it.each([
    { mode: 'original', video: 'before' },
    { mode: 'upscaled', video: 'after' },
  ])('$mode: frames in order, young, and the sound beside them', async ({ mode, video }) => {
    const viewer = await browser.open(link);
    await viewer.click(`button[data-mode=${mode}]`);
    await waitForFrames(viewer, video, 5);
    await viewer.waitForFunction(() => (document.getElementById('audio') as HTMLAudioElement).srcObject !== null);
    await watchClock(viewer, video, 'audio');

    // A busy machine may stop anything for a while; what counts is that the delay never stays.
    const oldest = async () => {
      const lately = (await clockReadings(viewer)).frames.slice(-30);
      return lately.length < 30 ? Number.POSITIVE_INFINITY : Math.max(...lately.map(({ late }) => late));
    };
    await expect.poll(oldest, { timeout: PATIENCE, interval: 500 }).toBeLessThan(HARD_BOUND);
    const apart = async () => {
      const lately = skews(await clockReadings(viewer)).slice(-8);
      return lately.length < 8 ? Number.POSITIVE_INFINITY : Math.abs(median(lately));
    };
    await expect.poll(apart, { timeout: 2 * PATIENCE, interval: 500 }).toBeLessThan(MOST_SKEW);

    const { frames, steps, unreadable, strokes } = await clockReadings(viewer);
    if (process.env.TINYSR_TEST_FIGURES) {
      const ages = frames.map(({ late }) => late).sort((a, b) => a - b);
      const [middle, most] = [median(ages), ages[Math.floor(ages.length * 0.95)] ?? 0].map(Math.round);
      const apartNow = skews({ frames, steps, unreadable, strokes }).map(Math.round);
      console.log(
        `${mode}: age ${middle} ms, 95 % ${most} ms, of ${ages.length}; sound beside picture: ${apartNow} ms`,
      );
    }
    expect(steps.filter((step) => step < 0)).toEqual([]);
    expect(unreadable).toBeLessThan(frames.length / 10);
    browser.check();
    await viewer.close();
  });
});
