/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { log } from '#src/shared/log.js';
import type { RelayOptions } from '#src/stream/options.js';
import { createRelay, type Relay } from '#src/stream/relay.js';
import { type BrowserWishes, PATIENCE, startBrowser, type TestBrowser } from './browser.js';

/** Starts a relay on free ports of this machine; it says nothing unless `TINYSR_TEST_LOG` names a level. */
export function openRelay(options: RelayOptions = {}): Promise<Relay> {
  log.level = process.env.TINYSR_TEST_LOG ?? 'silent';
  return createRelay({ listen: '127.0.0.1:0', mediaPort: 0, ...options });
}

/** A browser for all tests of a group. Call it where hooks are registered. @param size of the camera's picture */
export function testBrowser(size: string, wishes: BrowserWishes = {}): { readonly browser: TestBrowser } {
  let browser: TestBrowser;
  beforeAll(async () => {
    browser = await startBrowser(size, wishes);
  }, 2 * PATIENCE);
  afterAll(() => browser?.close(), PATIENCE);
  return {
    get browser() {
      return browser;
    },
  };
}

/** A relay and a browser for all tests of a group; the browser is closed first. Call it where hooks are registered. */
export function testStage(
  size: string,
  options: RelayOptions = {},
  wishes: BrowserWishes = {},
): { readonly relay: Relay; readonly browser: TestBrowser } {
  let relay: Relay;
  beforeAll(async () => {
    relay = await openRelay(options);
  }, PATIENCE);
  afterAll(() => relay?.close(), PATIENCE);
  const started = testBrowser(size, wishes);
  return {
    get relay() {
      return relay;
    },
    get browser() {
      return started.browser;
    },
  };
}

/** Has a page publish its camera. @returns the address for viewers */
export async function publishCamera(page: Page): Promise<string> {
  await page.selectOption('#size', '180');
  await page.click('#use-camera');
  return linkOf(page);
}

/** Waits until a page is live. @returns the address for viewers */
export async function linkOf(page: Page): Promise<string> {
  await page.waitForFunction(() => (document.getElementById('link') as HTMLInputElement).value !== '');
  return page.inputValue('#link');
}
