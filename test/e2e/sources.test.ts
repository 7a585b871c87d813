/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { PATIENCE, videoContrast, videoState, waitForFrames } from './browser.js';
import { linkOf, testStage } from './stage.js';

describe('the page publishes', { timeout: 5 * PATIENCE }, () => {
  const stage = testStage('160x90', { targetDelay: 2000, maxOutput: '640x360' });

  async function choose(pick: (page: Page) => Promise<void>) {
    const page = await stage.browser.open(stage.relay.url);
    await page.selectOption('#size', '180');
    await pick(page);
    const viewer = await stage.browser.open(await linkOf(page));
    await waitForFrames(viewer, 'after', 12);
    return { page, viewer };
  }

  it('a local file, over and over, with its sound', async () => {
    const { page, viewer } = await choose((start) => start.setInputFiles('#file', 'examples/clip.mp4'));
    expect(await videoState(viewer, 'after')).toMatchObject({ width: 640, height: 360 });
    expect(await videoContrast(viewer, 'after')).toBeGreaterThan(10);
    expect(await viewer.evaluate(() => (document.getElementById('audio') as HTMLAudioElement).srcObject)).toBeTruthy();
    // The clip lasts 2.8 s.
    await waitForFrames(viewer, 'after', 60);
    await Promise.all([page.close(), viewer.close()]);
    stage.browser.check();
  });

  it('the screen, until the sharing is ended', async () => {
    const { page, viewer } = await choose((start) => start.click('#use-screen'));
    expect(await videoContrast(viewer, 'after')).toBeGreaterThan(5);
    await page.evaluate(() => {
      const [track] = (
        (document.getElementById('preview') as HTMLVideoElement).srcObject as MediaStream
      ).getVideoTracks();
      // What the browser does when the person presses its own "Stop sharing".
      track?.dispatchEvent(new Event('ended'));
    });
    await page.waitForFunction(() => document.getElementById('home')?.hidden === false);
    await expect.poll(() => stage.relay.state, { timeout: PATIENCE }).toMatchObject({ peers: 1, ffmpegPids: [] });
    await Promise.all([page.close(), viewer.close()]);
    stage.browser.check();
  });
});
