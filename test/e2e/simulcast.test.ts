/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { log } from '#src/shared/log.js';
import { createRelay, type Relay } from '#src/stream/relay.js';
import { PATIENCE, startBrowser, type TestBrowser, videoState, waitForFrames } from './browser.js';
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
  let relay: Relay;
  let browser: TestBrowser;

  beforeAll(async () => {
    log.level = process.env.TINYSR_TEST_LOG ?? 'silent';
    relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0, targetDelay: 2000, maxOutput: '960x540' });
    browser = await startBrowser('640x360');
  }, 2 * PATIENCE);

  afterAll(async () => {
    await browser?.close();
    await relay?.close();
  }, PATIENCE);

  it('is taken, and viewers stay when the largest layer goes and comes back', async () => {
    const publisher = await browser.open(relay.url);
    const published = await connectByHttp(publisher, 'whip', `${relay.url}/whip/layers`, { layers: [4, 1] });
    expect(published.status, published.answer).toBe(201);
    expect(published.answer).toMatch(/^a=simulcast:recv layer0;layer1\r$/m);
    const viewer = await browser.open(relay.url);
    const watched = await connectByHttp(viewer, 'whep', `${relay.url}/whep/layers`);
    expect(watched.status, watched.answer).toBe(201);
    await waitForFrames(viewer, 'whep-video', 3);
    const width = async () => (await videoState(viewer, 'whep-video')).width;

    await sendLargest(publisher, false);
    await waitForFrames(viewer, 'whep-video', 5);
    await sendLargest(publisher, true);
    await waitForFrames(viewer, 'whep-video', 5);
    expect([640, 960]).toContain(await width());
    const state = () =>
      viewer.evaluate(
        () => (window as unknown as { whepConnection: RTCPeerConnection }).whepConnection.connectionState,
      );
    expect(await state()).toBe('connected');
    browser.check();
  });
});
