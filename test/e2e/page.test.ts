/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { PATIENCE, waitForFrames } from './browser.js';
import { linkOf, openRelay, publishCamera, testBrowser } from './stage.js';

const TOKEN = 'token-of-the-tests';

/** Has the page's camera be what {@link draw} says. */
async function drawnCamera(page: Page): Promise<void> {
  await page.evaluate(() => {
    const canvas = document.createElement('canvas');
    canvas.id = 'drawn';
    document.body.append(canvas);
    const context = canvas.getContext('2d');
    // A track that sends a frame when asked, and none otherwise.
    const stream = canvas.captureStream(0);
    const [track] = stream.getVideoTracks() as CanvasCaptureMediaStreamTrack[];
    navigator.mediaDevices.getUserMedia = async () => stream;
    let count = 0;
    setInterval(() => {
      if (!context || canvas.dataset.still) return;
      count += 1;
      context.fillStyle = `hsl(${count * 7} 60% 50%)`;
      context.fillRect(0, 0, canvas.width, canvas.height);
      track?.requestFrame();
    }, 66);
  });
  await draw(page, { width: 160, height: 90 });
}

/** How many WebSockets the page has opened since. */
function counted(page: Page): () => number {
  let count = 0;
  page.on('websocket', () => {
    count += 1;
  });
  return () => count;
}

/** Draws pictures of another size, or none. */
async function draw(page: Page, { width, height }: { width: number; height: number } = { width: 0, height: 0 }) {
  await page.evaluate(
    ([x, y]) => {
      const canvas = document.getElementById('drawn') as HTMLCanvasElement;
      canvas.dataset.still = x ? '' : 'yes';
      if (x && y) Object.assign(canvas, { width: x, height: y });
    },
    [width, height] as const,
  );
}

describe('the page says what is the matter', { timeout: 5 * PATIENCE }, () => {
  const stage = testBrowser('160x90');

  const text = (page: Page, id: string) => () => page.textContent(`#${id}`);
  const patience = { timeout: PATIENCE, interval: 100 };

  it('asks for the token, and says when it was wrong', async () => {
    await using relay = await openRelay({ token: TOKEN });
    const page = await stage.browser.open(`${relay.url}/r/kitchen`);
    await page.fill('#token', 'token-of-nobody');
    await page.click('#token-dialog button');
    await page.waitForSelector('#token-wrong:visible');
    await page.fill('#token', TOKEN);
    await page.click('#token-dialog button');
    await expect.poll(text(page, 'empty-text'), patience).toBe('Waiting for the publisher');
    await expect.poll(text(page, 'status'), patience).toBe('Waiting');
    stage.browser.check();
    await page.close();
  });

  it('takes the token out of the address as it is, and a pasted one without the space around it', async () => {
    const token = 'q+r/s+t==';
    await using relay = await openRelay({ token });
    const linked = await stage.browser.open(`${relay.url}/r/kitchen#token=${token}`);
    await expect.poll(text(linked, 'status'), patience).toBe('Waiting');
    expect(new URL(linked.url()).hash).toBe('');
    const page = await stage.browser.open(`${relay.url}/r/kitchen`);
    await page.fill('#token', ` ${token} `);
    await page.click('#token-dialog button');
    await expect.poll(text(page, 'status'), patience).toBe('Waiting');
    await Promise.all([linked.close(), page.close()]);
  });

  it('says that a room is taken, and that nothing is live', async () => {
    await using relay = await openRelay();
    const first = await stage.browser.open(`${relay.url}/?room=kitchen`);
    await first.click('#use-camera');
    await expect.poll(text(first, 'studio-title'), patience).toBe('You are live');
    expect(await first.isVisible('#live-badge')).toBe(true);
    const second = await stage.browser.open(`${relay.url}/?room=kitchen`);
    await second.click('#use-camera');
    await expect.poll(text(second, 'studio-trouble'), patience).toContain('Somebody else publishes in this room.');
    expect(await text(second, 'studio-title')()).toBe('You are not live');
    expect(await second.isVisible('#live-badge')).toBe(false);
    expect(await second.isVisible('#share')).toBe(false);
    stage.browser.check();
    await Promise.all([first.close(), second.close()]);
  });

  it('says in plain words that there is no camera', async () => {
    await using relay = await openRelay();
    const page = await stage.browser.open(relay.url);
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('Requested device not found', 'NotFoundError');
      };
    });
    await page.click('#use-camera');
    await expect.poll(text(page, 'toast'), patience).toContain('There is no camera');
    expect(await page.isVisible('#home')).toBe(true);
    await page.close();
  });

  it('says that the relay is gone, and comes back when that does', async () => {
    const first = await openRelay();
    const page = await stage.browser.open(`${first.url}/r/kitchen`);
    await expect.poll(text(page, 'status'), patience).toBe('Waiting');
    await first.close();
    await expect.poll(text(page, 'empty-text'), patience).toContain('The relay does not answer. Trying again');
    await using second = await openRelay({ listen: new URL(first.url).host });
    await expect.poll(text(page, 'status'), patience).toBe('Waiting');
    expect(await text(page, 'empty-text')()).toBe('Waiting for the publisher');
    expect(second.state.peers).toBe(1);
    stage.browser.check();
    await page.close();
  });

  it('says why a picture that has grown is upscaled no more, shows the original, and goes back', async () => {
    await using relay = await openRelay({ maxInput: '320x180', targetDelay: 2000 });
    const publisher = await stage.browser.open(relay.url);
    await drawnCamera(publisher);
    const viewer = await stage.browser.open(await publishCamera(publisher));
    await expect.poll(text(viewer, 'status'), patience).toBe('Live');
    expect(await viewer.isVisible('#empty')).toBe(false);
    await draw(publisher, { width: 640, height: 360 });
    const reason = /^The picture cannot be upscaled: \d+x\d+ is more than this relay upscales\./;
    await expect.poll(text(viewer, 'status'), patience).toBe('Not upscaled');
    await expect.poll(text(viewer, 'empty-text'), patience).toMatch(/ This is the original\.$/);
    expect(await text(viewer, 'empty-text')()).toMatch(reason);
    expect(await viewer.isVisible('#empty')).toBe(true);
    expect(await viewer.isVisible('#before')).toBe(true);
    expect(await viewer.isVisible('#after')).toBe(false);
    await waitForFrames(viewer, 'before', 8);

    await viewer.click('[data-mode=upscaled]');
    await expect.poll(text(viewer, 'empty-text'), patience).toMatch(/ Choose "Original" to see it as it is sent\.$/);
    expect(await text(viewer, 'empty-text')()).toMatch(reason);
    await viewer.click('[data-mode=original]');
    await expect.poll(text(viewer, 'status'), patience).toBe('Live');
    await viewer.click('[data-mode=split]');
    await expect.poll(text(viewer, 'status'), patience).toBe('Not upscaled');

    await draw(publisher, { width: 160, height: 90 });
    await expect.poll(text(viewer, 'status'), patience).toBe('Live');
    await expect.poll(() => viewer.isVisible('#after'), patience).toBe(true);
    expect(await viewer.isVisible('#empty')).toBe(false);
    stage.browser.check();
    await Promise.all([publisher.close(), viewer.close()]);
  });

  it('says that the picture stands still, with no figures of before, until it goes on', async () => {
    await using relay = await openRelay({ targetDelay: 2000 });
    const publisher = await stage.browser.open(relay.url);
    await drawnCamera(publisher);
    const viewer = await stage.browser.open(await publishCamera(publisher));
    const adds = () => viewer.textContent('#theatre-stats div:nth-child(4) dd');
    await expect.poll(text(viewer, 'status'), patience).toBe('Live');
    await expect.poll(adds, patience).toMatch(/ms$/);
    await draw(publisher);
    await expect.poll(text(viewer, 'status'), patience).toBe('No new picture');
    await expect.poll(text(viewer, 'empty-text'), patience).toContain('The publisher sends no picture at the moment.');
    expect(await viewer.isVisible('#empty')).toBe(true);
    // What came last stays to be seen.
    await expect.poll(() => viewer.isVisible('#after'), patience).toBe(true);
    await expect.poll(adds, patience).toBe('–');
    await draw(publisher, { width: 160, height: 90 });
    await expect.poll(text(viewer, 'status'), patience).toBe('Live');
    expect(await viewer.isVisible('#empty')).toBe(false);
    stage.browser.check();
    await Promise.all([publisher.close(), viewer.close()]);
  });

  it('says that there is sound and no picture', async () => {
    await using relay = await openRelay();
    const publisher = await stage.browser.open(relay.url);
    await publisher.evaluate(() => {
      const { mediaDevices } = navigator;
      const given = mediaDevices.getUserMedia.bind(mediaDevices);
      mediaDevices.getUserMedia = () => given({ audio: true });
    });
    const viewer = await stage.browser.open(await publishCamera(publisher));
    await expect.poll(text(viewer, 'status'), patience).toBe('Sound only');
    expect(await text(viewer, 'empty-text')()).toBe('The publisher sends sound and no picture. Unmute to hear it.');
    await viewer.click('#mute');
    await expect.poll(text(viewer, 'empty-text'), patience).toBe('The publisher sends sound and no picture.');
    stage.browser.check();
    await Promise.all([publisher.close(), viewer.close()]);
  });

  it('says that the browser does not decode a picture, and shows the other one', async () => {
    await using relay = await openRelay({ targetDelay: 2000 });
    const publisher = await stage.browser.open(relay.url);
    const link = await publishCamera(publisher);
    const viewer = await stage.browser.context.newPage();
    await viewer.addInitScript(() => {
      const add = RTCPeerConnection.prototype.addTransceiver;
      RTCPeerConnection.prototype.addTransceiver = function (kind, init) {
        const transceiver = add.call(this, kind, init);
        const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
        if (kind === 'video')
          transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType !== 'video/H264'));
        return transceiver;
      };
    });
    await viewer.goto(link);
    const reason = 'This browser cannot show the upscaled picture: it does not decode H264. Another browser may.';
    await expect.poll(text(viewer, 'empty-text'), patience).toBe(`${reason} This is the original.`);
    expect(await text(viewer, 'status')()).toBe('No picture');
    await waitForFrames(viewer, 'before', 8);
    await viewer.click('[data-mode=upscaled]');
    const advice = 'Choose "Original" to see it as it is sent.';
    await expect.poll(text(viewer, 'empty-text'), patience).toBe(`${reason} ${advice}`);
    await viewer.click('[data-mode=original]');
    await expect.poll(text(viewer, 'status'), patience).toBe('Live');
    expect(await viewer.isVisible('#empty')).toBe(false);
    await Promise.all([publisher.close(), viewer.close()]);
  });

  it('stops when another tab takes its place, says so, and takes it back when asked to', async () => {
    await using relay = await openRelay();
    const first = await stage.browser.open(relay.url);
    const room = new URL(await publishCamera(first)).pathname.replace('/r/', '');
    const connections = counted(first);
    // What "Duplicate tab" gives: the address, and a copy of what is stored for the tab.
    const second = await stage.browser.context.newPage();
    await second.goto(first.url());
    await second.evaluate(
      (key) => sessionStorage.setItem('key', key),
      await first.evaluate(() => sessionStorage.getItem('key') ?? ''),
    );
    await second.click('#use-camera');
    expect(await linkOf(second)).toContain(room);
    await expect.poll(text(first, 'studio-trouble'), patience).toBe('Another tab or program publishes here now.');
    expect(await text(first, 'studio-title')()).toBe('You are not live');
    expect(await first.isVisible('#live-badge')).toBe(false);
    await expect.poll(text(second, 'studio-title'), patience).toBe('You are live');

    await first.click('#take-over');
    await expect.poll(text(second, 'studio-trouble'), patience).toBe('Another tab or program publishes here now.');
    await expect.poll(text(first, 'studio-title'), patience).toBe('You are live');
    expect(await first.isVisible('#take-over')).toBe(false);
    expect(await second.isVisible('#take-over')).toBe(true);
    // Once, when it was asked to.
    expect(connections()).toBe(1);
    stage.browser.check();
    await Promise.all([first.close(), second.close()]);
  });

  it('fills the screen where only a video may, as on iPhones, and offers nothing where nothing may', async () => {
    await using relay = await openRelay();
    const open = async (safari: boolean) => {
      const page = await stage.browser.context.newPage();
      await page.addInitScript((has) => {
        Object.defineProperty(Document.prototype, 'fullscreenEnabled', { get: () => false });
        const { prototype } = HTMLVideoElement;
        // Safari's way, which Chromium has no more.
        if (has) Object.assign(prototype, { webkitEnterFullscreen: prototype.requestFullscreen });
      }, safari);
      await page.goto(`${relay.url}/r/kitchen`);
      await expect.poll(text(page, 'status'), patience).toBe('Waiting');
      return page;
    };
    const phone = await open(true);
    await phone.click('#full');
    await expect.poll(() => phone.evaluate(() => document.fullscreenElement?.id), patience).toBe('after');
    const none = await open(false);
    expect(await none.isVisible('#full')).toBe(false);
    await Promise.all([phone.close(), none.close()]);
  });

  it('is shown where there is nothing, and says so', async () => {
    await using relay = await openRelay();
    const page = await stage.browser.context.newPage();
    const response = await page.goto(`${relay.url}/r/no!room`);
    expect(response?.status()).toBe(404);
    await expect.poll(text(page, 'toast'), patience).toContain('There is nothing at this address.');
    expect(await page.isVisible('#home')).toBe(true);
    await page.close();
  });

  it.each([
    [1440, 900],
    [390, 844],
    [320, 640],
  ])('fits a window of %i x %i', async (width, height) => {
    await using relay = await openRelay();
    const page = await stage.browser.context.newPage();
    await page.setViewportSize({ width, height });
    /** Names of what reaches beyond the padding of the view that is shown. */
    const beyond = () =>
      page.evaluate(() => {
        const main = document.querySelector('main:not([hidden])') as HTMLElement;
        const edge = main.getBoundingClientRect().right - Number.parseFloat(getComputedStyle(main).paddingRight);
        const parts = [...main.querySelectorAll<HTMLElement>('button, input, select, label, dl, .stage, a')];
        return parts
          .filter((part) => part.getBoundingClientRect().right > edge + 1)
          .map(({ id, outerHTML }) => id || outerHTML);
      });
    for (const path of ['/', '/r/kitchen']) {
      await page.goto(`${relay.url}${path}`);
      await page.waitForSelector('main:not([hidden])');
      expect(await beyond()).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
    await page.close();
  });
});
