/// <reference lib="dom" />
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { TcpProxy } from '../support/tcp-proxy.js';
import { PATIENCE, videoContrast, waitForFrames } from './browser.js';
import { linkOf, openRelay, publishCamera, testBrowser } from './stage.js';

/** A UDP port of this machine at which nobody answers. */
async function silentPort() {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

describe('a page whose way to the relay is blocked', { timeout: 5 * PATIENCE }, () => {
  const stage = testBrowser('160x90');
  const text = (page: Page, id: string) => () => page.textContent(`#${id}`);
  const patience = { timeout: PATIENCE, interval: 100 };

  it('connects again when the network has forgotten its connection, and says when it cannot', async () => {
    await using relay = await openRelay({ targetDelay: 2000 });
    await using network = await TcpProxy.open();
    const port = Number(new URL(relay.url).port);
    network.target = port;
    const publisher = await stage.browser.open(`http://127.0.0.1:${network.port}/`);
    const link = new URL(await publishCamera(publisher));
    const viewer = await stage.browser.open(relay.url + link.pathname);
    await expect.poll(text(viewer, 'status'), patience).toBe('Live');

    network.target = undefined;
    network.forget();
    await expect.poll(text(publisher, 'studio-trouble'), patience).toContain('The connection was lost. Trying again');
    expect(await publisher.isVisible('#live-badge')).toBe(false);
    await expect.poll(text(publisher, 'studio-trouble'), patience).toContain('The relay does not answer.');

    network.target = port;
    await expect.poll(text(publisher, 'studio-title'), patience).toBe('You are live');
    expect(await publisher.isVisible('#live-badge')).toBe(true);
    await waitForFrames(viewer, 'after', 8);
    stage.browser.check();
    await Promise.all([publisher.close(), viewer.close()]);
  });

  it('does not say that it is live when no media gets through, but which port is to be opened', async () => {
    await using blocked = await silentPort();
    await using relay = await openRelay({ announcedPort: blocked.port });
    const page = await stage.browser.open(relay.url);
    await publishCamera(page);
    const reason = `No media gets through to the relay: port ${blocked.port} (UDP or TCP) of 127.0.0.1 cannot be reached`;
    await expect.poll(text(page, 'studio-trouble'), patience).toContain(reason);
    expect(await text(page, 'studio-title')()).toBe('You are not live');
    expect(await page.isVisible('#live-badge')).toBe(false);
    stage.browser.check();
    await page.close();
  });

  it('tells a viewer so, too', async () => {
    await using blocked = await silentPort();
    await using relay = await openRelay();
    const publisher = await stage.browser.open(relay.url);
    await publisher.uncheck('#sound');
    const link = await publishCamera(publisher);
    await expect.poll(text(publisher, 'studio-title'), patience).toBe('You are live');
    const viewer = await stage.browser.context.newPage();
    // Only this one is behind a firewall: what it is told of the relay leads nowhere.
    await viewer.addInitScript((port) => {
      type Set = (this: RTCPeerConnection, description: RTCSessionDescriptionInit) => Promise<void>;
      const set: Set = RTCPeerConnection.prototype.setRemoteDescription;
      RTCPeerConnection.prototype.setRemoteDescription = function (description: RTCSessionDescriptionInit) {
        const sdp = description.sdp?.replaceAll(/ \d+ typ host/g, ` ${port} typ host`) ?? '';
        return set.call(this, { type: description.type, sdp });
      };
    }, blocked.port);
    // Another one gets nothing because it decodes nothing: its way is not to blame, however long that takes.
    const blind = await stage.browser.context.newPage();
    await blind.addInitScript(() => {
      const add = RTCPeerConnection.prototype.addTransceiver;
      RTCPeerConnection.prototype.addTransceiver = function (kind, init) {
        const transceiver = add.call(this, kind, init);
        const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
        if (kind === 'video') transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => /AV1/i.test(mimeType)));
        return transceiver;
      };
    });
    await blind.goto(link);
    await viewer.goto(link);
    await expect.poll(text(viewer, 'empty-text'), patience).toMatch(/^No media gets through to the relay: port \d+/);
    expect(await text(viewer, 'status')()).toBe('No picture');
    expect(await viewer.isVisible('#empty')).toBe(true);
    expect(await text(blind, 'empty-text')()).toMatch(/^This browser cannot show the upscaled picture/);
    await Promise.all([publisher.close(), viewer.close(), blind.close()]);
  });
});

describe('the source of a page that publishes', { timeout: 5 * PATIENCE }, () => {
  const stage = testBrowser('160x90');
  const text = (page: Page, id: string) => () => page.textContent(`#${id}`);
  const patience = { timeout: PATIENCE, interval: 100 };

  it('is asked for once, however often it is pressed', async () => {
    await using relay = await openRelay();
    const page = await stage.browser.open(relay.url);
    await page.evaluate(() => {
      const { mediaDevices } = navigator;
      const given = mediaDevices.getUserMedia.bind(mediaDevices);
      mediaDevices.getUserMedia = (wanted) => {
        document.body.dataset.asked = `${document.body.dataset.asked ?? ''}x`;
        return given(wanted);
      };
      for (let times = 0; times < 3; times += 1) document.getElementById('use-camera')?.click();
    });
    await linkOf(page);
    await expect.poll(text(page, 'studio-title'), patience).toBe('You are live');
    expect(await page.evaluate(() => document.body.dataset.asked)).toBe('x');
    expect(relay.state.peers).toBe(1);
    await page.close();
  });

  it('is shown though a file before it could not be played', async () => {
    await using relay = await openRelay();
    const page = await stage.browser.open(relay.url);
    const broken = { name: 'broken.mp4', mimeType: 'video/mp4', buffer: Buffer.from('no film') };
    await page.setInputFiles('#file', broken);
    await expect.poll(text(page, 'toast'), patience).toBe('This browser cannot play that file.');
    await publishCamera(page);
    await waitForFrames(page, 'preview', 4);
    stage.browser.check();
    await page.close();
  });

  it('can be held back for a while: viewers get black and silence, and stay connected', async () => {
    await using relay = await openRelay({ targetDelay: 2000 });
    const page = await stage.browser.open(relay.url);
    const viewer = await stage.browser.open(await publishCamera(page));
    await expect.poll(text(viewer, 'status'), patience).toBe('Live');
    await expect.poll(() => videoContrast(viewer, 'after'), patience).toBeGreaterThan(10);
    const sounds = () =>
      page.evaluate(() => {
        const stream = (document.getElementById('preview') as HTMLVideoElement).srcObject as MediaStream;
        return stream.getAudioTracks().map(({ enabled }) => enabled);
      });
    expect(await sounds()).toEqual([true]);

    await page.click('#hold-picture');
    await page.click('#hold-sound');
    expect(await text(page, 'live-badge')()).toBe('LIVE · PICTURE HIDDEN · MUTED');
    expect(await text(page, 'hold-sound')()).toBe('Unmute sound');
    expect(await sounds()).toEqual([false]);
    await expect.poll(() => videoContrast(viewer, 'after'), patience).toBeLessThan(3);
    await waitForFrames(viewer, 'after', 2);
    expect(await text(viewer, 'status')()).toBe('Live');

    await page.click('#hold-picture');
    await page.click('#hold-sound');
    expect(await text(page, 'live-badge')()).toBe('LIVE');
    expect(await sounds()).toEqual([true]);
    await expect.poll(() => videoContrast(viewer, 'after'), patience).toBeGreaterThan(10);
    expect(relay.state.peers).toBe(2);
    stage.browser.check();
    await Promise.all([page.close(), viewer.close()]);
  });

  it('is gone: the page says so, and the way back leads into the same room', async () => {
    await using relay = await openRelay();
    const page = await stage.browser.open(relay.url);
    const link = await publishCamera(page);
    await expect.poll(text(page, 'studio-title'), patience).toBe('You are live');
    await page.evaluate(() => {
      const stream = (document.getElementById('preview') as HTMLVideoElement).srcObject as MediaStream;
      for (const track of stream.getVideoTracks()) track.dispatchEvent(new Event('ended'));
    });
    await page.waitForSelector('#home:not([hidden])');
    await expect.poll(text(page, 'toast'), patience).toContain('The camera is gone');
    expect(await publishCamera(page)).toBe(link);
    await page.close();
  });
});
