/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { PATIENCE, videoState, waitForFrames } from './browser.js';
import { testStage } from './stage.js';
import { connectByHttp } from './whip-page.js';

/** Lets the publisher of {@link connectByHttp} send its largest layer, or not. */
function sendLargest(page: Page, active: boolean): Promise<void> {
  return page.evaluate(async (wanted) => {
    const { whipConnection } = window as unknown as { whipConnection: RTCPeerConnection };
    const sender = whipConnection.getSenders().find(({ track }) => track?.kind === 'video');
    const parameters = sender?.getParameters();
    const largest = parameters?.encodings.at(-1);
    if (!parameters || !largest) throw new Error('nothing is sent');
    largest.active = wanted;
    await sender?.setParameters(parameters);
  }, active);
}

describe('simulcast', { timeout: 6 * PATIENCE }, () => {
  const stage = testStage('640x360', { targetDelay: 2000, maxOutput: '960x540' });

  it('upscales the largest layer there is, and viewers stay when it goes and comes back', async () => {
    const { relay, browser } = stage;
    const publisher = await browser.open(relay.url);
    const published = await connectByHttp(publisher, 'whip', `${relay.url}/whip/layers`, { layers: [4, 1] });
    expect(published.status, published.answer).toBe(201);
    expect(published.answer).toMatch(/^a=simulcast:recv layer0;layer1\r$/m);
    const viewer = await browser.open(relay.url);
    const watched = await connectByHttp(viewer, 'whep', `${relay.url}/whep/layers`);
    expect(watched.status, watched.answer).toBe(201);
    await waitForFrames(viewer, 'whep-video', 3);
    const width = async () => (await videoState(viewer, 'whep-video')).width;

    // The largest layer begins when the sender has found out that there is bandwidth for it.
    await expect.poll(width, { timeout: PATIENCE }).toBe(960);
    await sendLargest(publisher, false);
    await expect.poll(width, { timeout: PATIENCE }).toBe(640);
    await waitForFrames(viewer, 'whep-video', 5);
    await sendLargest(publisher, true);
    await expect.poll(width, { timeout: PATIENCE }).toBe(960);
    await waitForFrames(viewer, 'whep-video', 5);
    const state = () =>
      viewer.evaluate(
        () => (window as unknown as { whepConnection: RTCPeerConnection }).whepConnection.connectionState,
      );
    expect(await state()).toBe('connected');
    browser.check();
  });
});
