/// <reference lib="dom" />
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Relay } from '#src/stream/relay.js';
import { GOOD_NETWORK, UdpProxy } from '../support/udp-proxy.js';
import { PATIENCE, videoState, waitForFrames } from './browser.js';
import { openRelay, publishCamera, testBrowser } from './stage.js';

/** Frames that must be shown before a stream counts as flowing. */
const FLOWING = 12;
/** How long a stream may take to flow again once the network is good, in milliseconds. */
const RECOVERY_MS = 15_000;

describe('relay on a bad network', { timeout: 3 * PATIENCE }, () => {
  const stage = testBrowser('160x90');
  let proxy: UdpProxy;
  let relay: Relay;
  let publisher: Page;
  let viewer: Page;

  beforeAll(async () => {
    proxy = await UdpProxy.open();
    relay = await openRelay({ announcedPort: proxy.port });
    proxy.target = relay.mediaPort;
    publisher = await stage.browser.open(relay.url);
    viewer = await stage.browser.open(await publishCamera(publisher));
    await waitForFrames(viewer, 'after', FLOWING);
  }, 2 * PATIENCE);

  afterAll(async () => {
    await relay?.close();
    await proxy?.[Symbol.asyncDispose]();
  }, PATIENCE);

  const shown = async () => (await videoState(viewer, 'after')).frames;

  /** Median age of frames, in seconds, as the relay tells it. */
  async function frameAge(): Promise<number> {
    const metrics = await (await fetch(`${relay.url}/metrics`)).text();
    return Number(/^tinysr_relay_frame_age_seconds\{[^}]*\} (\S+)$/m.exec(metrics)?.[1] ?? Number.NaN);
  }

  /** Waits until the picture moves and the delay is what it was. */
  async function recovers(): Promise<void> {
    const start = await shown();
    await expect.poll(shown, { timeout: RECOVERY_MS, interval: 250 }).toBeGreaterThan(start + FLOWING);
    await expect.poll(frameAge, { timeout: RECOVERY_MS, interval: 250 }).toBeLessThan(1);
  }

  it('shows pictures while 5 % of the packets are lost and all are up to 100 ms late, and recovers', async () => {
    const before = { ...proxy.counts };
    proxy.faults = { loss: 0.05, jitterMs: 100, cut: false };
    const frames: number[] = [await shown()];
    for (let window = 0; window < 3; window += 1) {
      await sleep(3000);
      frames.push(await shown());
    }
    proxy.faults = GOOD_NETWORK;
    const [lost, passed] = [proxy.counts.lost - before.lost, proxy.counts.passed - before.passed];
    // The media did go through the bad network.
    expect(passed).toBeGreaterThan(300);
    expect(lost / (lost + passed)).toBeGreaterThan(0.02);
    for (const [index, count] of frames.slice(1).entries()) expect(count).toBeGreaterThan((frames[index] ?? 0) + 5);
    await recovers();
    stage.browser.check();
  });

  it('comes back after 5 s in which nothing passes', async () => {
    proxy.faults = { ...GOOD_NETWORK, cut: true };
    // What is in the receive buffer is shown first.
    await sleep(2000);
    const stopped = await shown();
    await sleep(3000);
    expect(await shown()).toBeLessThan(stopped + 3);
    proxy.faults = GOOD_NETWORK;
    await recovers();
    expect(relay.state).toMatchObject({ rooms: 1, viewers: 1, peers: 2 });
    stage.browser.check();
  });

  it('tells who publishes and who watches while the connection is lost, whoever notices it, and no longer', async () => {
    const text = (page: Page, id: string) => () => page.textContent(`#${id}`);
    const patience = { timeout: PATIENCE, interval: 100 };
    // A browser that does not notice: as after a sleep, only the relay knows.
    const slept = await stage.browser.context.newPage();
    await slept.addInitScript(() => {
      const listen = RTCPeerConnection.prototype.addEventListener;
      RTCPeerConnection.prototype.addEventListener = function (
        this: RTCPeerConnection,
        type: string,
        ...rest: unknown[]
      ) {
        const [heard, ...options] = rest as [(event: Event) => void];
        const hear = (event: Event) => this.connectionState === 'connected' && heard(event);
        listen.apply(this, [type, type === 'connectionstatechange' ? hear : heard, ...options] as never);
      } as typeof listen;
    });
    await slept.goto(viewer.url());
    await waitForFrames(slept, 'after', FLOWING);
    await expect.poll(text(slept, 'status'), patience).toBe('Live');

    proxy.faults = { ...GOOD_NETWORK, cut: true };
    const lost = 'The connection was lost and is being restored.';
    await Promise.all([
      expect.poll(text(publisher, 'studio-trouble'), patience).toBe(lost),
      expect.poll(text(viewer, 'empty-text'), patience).toBe(lost),
      expect.poll(text(slept, 'empty-text'), patience).toBe(lost),
    ]);
    expect(await text(publisher, 'studio-title')()).toBe('You are not live');
    expect(await publisher.isVisible('#live-badge')).toBe(false);
    expect(await viewer.isVisible('#empty')).toBe(true);
    proxy.faults = GOOD_NETWORK;
    await Promise.all([
      expect.poll(text(publisher, 'status'), patience).toBe('Live'),
      expect.poll(text(viewer, 'status'), patience).toBe('Live'),
      expect.poll(text(slept, 'status'), patience).toBe('Live'),
    ]);
    expect(await text(publisher, 'studio-title')()).toBe('You are live');
    expect(await publisher.isVisible('#studio-trouble')).toBe(false);
    expect(await viewer.isVisible('#empty')).toBe(false);
    // It was the connection that was there before.
    expect(relay.state).toMatchObject({ rooms: 1, viewers: 2, peers: 3 });
    stage.browser.check();
    await slept.close();
  });
});
