/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { runChild } from '#src/shared/child.js';
import { findChromium } from '../../scripts/setup/chromium.mjs';

/** Real time on a slow, shared machine: how long anything may take. */
export const PATIENCE = 90_000;

/** A headless Chromium whose camera shows a clip. */
export interface TestBrowser {
  readonly context: BrowserContext;
  /** Opens a page; what it throws fails the test that calls {@link TestBrowser.check}. */
  open(url: string): Promise<Page>;
  /** @throws the first error that a page threw */
  check(): void;
  close(): Promise<void>;
}

/** What a test wants of its browser. */
export interface BrowserWishes {
  /** Further command line flags. */
  readonly flags?: readonly string[];
  /** Lets the test bring scripts of its own into pages whose policy takes only theirs. */
  readonly bypassCSP?: boolean;
}

/** Starts Chromium. @param size of the camera's picture */
export async function startBrowser(size: string, wishes: BrowserWishes = {}): Promise<TestBrowser> {
  const { flags = [], bypassCSP = false } = wishes;
  const executablePath = findChromium();
  if (!executablePath) throw new Error('no Chromium: run npm run setup -- --for relay');
  const folder = await mkdtemp(join(tmpdir(), 'tinysr-e2e-'));
  const camera = join(folder, 'camera.y4m');
  const made = await runChild('ffmpeg', [
    ...['-v', 'error', '-y', '-stream_loop', '3', '-i', 'examples/clip.mp4', '-an'],
    ...['-vf', `scale=${size.replace('x', ':')},fps=15,format=yuv420p`, '-t', '6', camera],
  ]);
  if (made.code !== 0) throw new Error(made.stderr);
  const browser: Browser = await chromium.launch({
    executablePath,
    timeout: PATIENCE,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...[
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-features=WebRtcHideLocalIpsWithMdns',
      ],
      ...['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
      ...[`--use-file-for-fake-video-capture=${camera}`, '--autoplay-policy=no-user-gesture-required'],
      ...flags,
    ],
  });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    ignoreHTTPSErrors: true,
    bypassCSP,
  });
  context.setDefaultTimeout(PATIENCE);
  const errors: Error[] = [];
  return {
    context,
    async open(url) {
      const page = await context.newPage();
      page.on('pageerror', (error) => errors.push(error));
      await page.goto(url);
      return page;
    },
    check() {
      if (errors[0]) throw errors[0];
    },
    async close() {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Frames a `<video>` of the page has shown, and its size. */
export function videoState(page: Page, id: string): Promise<{ frames: number; width: number; height: number }> {
  return page.evaluate((name) => {
    const video = document.getElementById(name) as HTMLVideoElement;
    return {
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      width: video.videoWidth,
      height: video.videoHeight,
    };
  }, id);
}

/** Waits until a `<video>` has shown this many frames more than now. */
export async function waitForFrames(page: Page, id: string, more: number): Promise<void> {
  const { frames } = await videoState(page, id);
  await page.waitForFunction(
    ([name, wanted]) => {
      const video = document.getElementById(name as string) as HTMLVideoElement | null;
      return (video?.getVideoPlaybackQuality().totalVideoFrames ?? 0) >= (wanted as number);
    },
    [id, frames + more] as const,
    { timeout: PATIENCE, polling: 250 },
  );
}

/** Spread of brightness of what a `<video>` shows now: a real picture has one, a grey or black one has none. */
export function videoContrast(page: Page, id: string): Promise<number> {
  return page.evaluate((name) => {
    const canvas = document.createElement('canvas');
    canvas.width = 64;
    canvas.height = 36;
    const context = canvas.getContext('2d');
    context?.drawImage(document.getElementById(name) as HTMLVideoElement, 0, 0, 64, 36);
    const { data } = context?.getImageData(0, 0, 64, 36) ?? { data: new Uint8ClampedArray() };
    const green = [...data].filter((_, index) => index % 4 === 1);
    const mean = green.reduce((sum, value) => sum + value, 0) / green.length;
    return Math.sqrt(green.reduce((sum, value) => sum + (value - mean) ** 2, 0) / green.length);
  }, id);
}
