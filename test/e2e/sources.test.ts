/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { log } from '#src/shared/log.js';
import { createRelay, type Relay } from '#src/stream/relay.js';
import { PATIENCE, startBrowser, type TestBrowser, videoContrast, videoState, waitForFrames } from './browser.js';

describe('the page publishes', { timeout: 5 * PATIENCE }, () => {
  let relay: Relay;
  let browser: TestBrowser;

  beforeAll(async () => {
    log.level = process.env.TINYSR_TEST_LOG ?? 'silent';
    relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0, targetDelay: 2000, maxOutput: '640x360' });
    browser = await startBrowser('160x90');
  }, 2 * PATIENCE);

  afterAll(async () => {
    await browser?.close();
    await relay?.close();
  }, PATIENCE);

  async function choose(pick: (page: Page) => Promise<void>) {
    const page = await browser.open(relay.url);
    await page.selectOption('#size', '180');
    await pick(page);
    await page.waitForFunction(() => (document.getElementById('link') as HTMLInputElement).value !== '');
    const viewer = await browser.open(await page.inputValue('#link'));
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
    browser.check();
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
    await expect.poll(() => relay.state, { timeout: PATIENCE }).toMatchObject({ peers: 1, ffmpegPids: [] });
    await Promise.all([page.close(), viewer.close()]);
    browser.check();
  });
});
