/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { PATIENCE } from './browser.js';
import { openRelay, testBrowser } from './stage.js';

const TOKEN = 'token-of-the-tests';

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
