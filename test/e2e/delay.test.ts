/// <reference lib="dom" />
import { beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE, waitForFrames } from './browser.js';
import { clockReadings, installClock, median, skews, watchClock } from './clock-page.js';
import { publishCamera, testStage } from './stage.js';

/** The longest that a frame may take from being drawn by the publisher to being shown to a viewer, in milliseconds. */
const HARD_BOUND = 1000;
/** How far picture and sound may be apart, in milliseconds. */
const MOST_SKEW = 80;

describe('what a viewer sees and hears of a clock', { timeout: 5 * PATIENCE }, () => {
  const stage = testStage('160x90', {}, { bypassCSP: true });
  let link: string;

  beforeAll(async () => {
    const publisher = await stage.browser.open(stage.relay.url);
    await installClock(publisher);
    link = await publishCamera(publisher);
  }, PATIENCE);

  it.each([
    { mode: 'original', video: 'before' },
    { mode: 'upscaled', video: 'after' },
  ])('$mode: frames in order, young, and the sound beside them', async ({ mode, video }) => {
    const viewer = await stage.browser.open(link);
    await viewer.click(`button[data-mode=${mode}]`);
    await waitForFrames(viewer, video, 5);
    // With the picture that is not watched the sound that went with it goes; the other one comes.
    const hidden = video === 'before' ? 'after' : 'before';
    await viewer.waitForFunction((id) => (document.getElementById(id) as HTMLVideoElement).srcObject === null, hidden);
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
    stage.browser.check();
    await viewer.close();
  });
});
