/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { PATIENCE, videoState, waitForFrames } from './browser.js';
import { testStage } from './stage.js';
import { connectByHttp } from './whip-page.js';

/** Lets the publisher of {@link connectByHttp} send its largest layer, or not. */
function sendLargest(page: Page, active: boolean): Promise<void> {
  return page.evaluate(async (wanted) => {
    const { whipConnection } = window as unknown as { whipConnection: RTCPeerConnection };
    const sender = whipConnection.getSenders().find(({ track }) => track?.kind === 'video');
    const parameters = sender?.getParameters();
    const largest = parameters?.encodings.find(({ scaleResolutionDownBy }) => scaleResolutionDownBy === 1);
    if (!parameters || !largest) throw new Error('nothing is sent');
    largest.active = wanted;
    await sender?.setParameters(parameters);
  }, active);
}

async function widthOf(viewer: Page): Promise<number> {
  return (await videoState(viewer, 'whep-video')).width;
}

function stateOf(viewer: Page): Promise<RTCPeerConnectionState> {
  return viewer.evaluate(
    () => (window as unknown as { whepConnection: RTCPeerConnection }).whepConnection.connectionState,
  );
}

describe('simulcast', { timeout: 6 * PATIENCE }, () => {
  const stage = testStage('640x360', { targetDelay: 2000, maxOutput: '960x540' });

  afterEach(async () => {
    for (const page of stage.browser.context.pages()) {
      // Told to end, the relay need not find out.
      await page.evaluate(() => {
        const { whipConnection, whepConnection } = window as unknown as Record<string, RTCPeerConnection | undefined>;
        for (const connection of [whipConnection, whepConnection]) connection?.close();
      });
      await page.close();
    }
    await expect.poll(() => stage.relay.state, { timeout: PATIENCE }).toMatchObject({ sessions: 0, ffmpegPids: [] });
  }, PATIENCE);

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
    const width = () => widthOf(viewer);

    // The largest layer begins when the sender has found out that there is bandwidth for it.
    await expect.poll(width, { timeout: PATIENCE }).toBe(960);
    await sendLargest(publisher, false);
    await expect.poll(width, { timeout: PATIENCE }).toBe(640);
    await waitForFrames(viewer, 'whep-video', 5);
    await sendLargest(publisher, true);
    await expect.poll(width, { timeout: PATIENCE }).toBe(960);
    await waitForFrames(viewer, 'whep-video', 5);
    expect(await stateOf(viewer)).toBe('connected');
    browser.check();
  });

  it('takes the largest for the largest when it is listed first', async () => {
    const { relay, browser } = stage;
    const publisher = await browser.open(relay.url);
    const published = await connectByHttp(publisher, 'whip', `${relay.url}/whip/downwards`, { layers: [1, 4] });
    expect(published.answer).toMatch(/^a=simulcast:recv layer0;layer1\r$/m);
    // Asked for at once: the answer waits until it is known which layer is which.
    const [original, upscaled] = [await browser.open(relay.url), await browser.open(relay.url)];
    const room = `${relay.url}/whep/downwards`;
    const answers = [
      await connectByHttp(original, 'whep', `${room}?source=original`),
      await connectByHttp(upscaled, 'whep', room),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    await expect.poll(() => widthOf(original), { timeout: PATIENCE }).toBe(640);
    await expect.poll(() => widthOf(upscaled), { timeout: PATIENCE }).toBe(960);
    await waitForFrames(original, 'whep-video', 20);
    await waitForFrames(upscaled, 'whep-video', 20);
    expect([await stateOf(original), await stateOf(upscaled)]).toEqual(['connected', 'connected']);
    browser.check();
  });

  it('finds out so too when the first one begins later; who watches the upscaled picture stays', async () => {
    const { relay, browser } = stage;
    const publisher = await browser.open(relay.url);
    await connectByHttp(publisher, 'whip', `${relay.url}/whip/late`, { layers: [1, 4], idle: 0 });
    const upscaled = await browser.open(relay.url);
    expect(await connectByHttp(upscaled, 'whep', `${relay.url}/whep/late`)).toMatchObject({ status: 201 });
    const page = await browser.open(`${relay.url}/r/late`);
    await expect.poll(() => widthOf(upscaled), { timeout: PATIENCE }).toBe(640);
    await waitForFrames(page, 'before', 5);
    expect((await videoState(page, 'before')).width).toBe(160);
    await sendLargest(publisher, true);
    await expect.poll(() => widthOf(upscaled), { timeout: PATIENCE }).toBe(960);
    await waitForFrames(upscaled, 'whep-video', 20);
    await expect.poll(async () => (await videoState(page, 'before')).width, { timeout: PATIENCE }).toBe(640);
    await waitForFrames(page, 'before', 20);
    expect(await stateOf(upscaled)).toBe('connected');
    browser.check();
  });
});
