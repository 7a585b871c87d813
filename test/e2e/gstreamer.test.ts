/// <reference lib="dom" />
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { log } from '#src/shared/log.js';
import { createRelay, type Relay } from '#src/stream/relay.js';
import { findGstreamer } from '../../scripts/setup/gstreamer.mjs';
import { PATIENCE, startBrowser, type TestBrowser, videoContrast, videoState, waitForFrames } from './browser.js';

const TOKEN = 'token-of-the-tests';

describe('GStreamer publishes by WHIP', { timeout: 5 * PATIENCE }, () => {
  let relay: Relay;
  let browser: TestBrowser;
  let python: string;
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    log.level = process.env.TINYSR_TEST_LOG ?? 'silent';
    const found = await findGstreamer();
    if (!found) throw new Error('no GStreamer with WebRTC: run npm run setup');
    python = found.python;
    relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0, targetDelay: 2000, token: TOKEN });
    browser = await startBrowser('160x90');
  }, 3 * PATIENCE);

  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await browser?.close();
    await relay?.close();
  }, PATIENCE);

  function publish(url: string, ...args: readonly string[]) {
    const child = spawn(python, ['examples/whip-publish.py', url, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TINYSR_RELAY_TOKEN: '' },
    });
    running.push(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    return { child, said: () => said, ended: once(child, 'close') };
  }

  it.each(['vp8', 'vp9', 'h264'])('%s, shown four times as large, with its sound, until Ctrl-C', async (codec) => {
    const { child, said, ended } = publish(
      `${relay.url}/whip/gst-${codec}`,
      '--codec',
      codec,
      '--size',
      '160x96',
      '--token',
      TOKEN,
    );
    await expect.poll(said, { timeout: PATIENCE }).toMatch(/^live: http\S+\/whip\/session\/\S+$/m);
    const viewer = await browser.open(`${relay.url}/r/gst-${codec}#token=${TOKEN}`);
    await waitForFrames(viewer, 'after', 12);
    await waitForFrames(viewer, 'before', 12);
    expect(await videoState(viewer, 'before')).toMatchObject({ width: 160, height: 96 });
    expect(await videoState(viewer, 'after')).toMatchObject({ width: 640, height: 384 });
    expect(await videoContrast(viewer, 'after')).toBeGreaterThan(5);
    expect(await viewer.evaluate(() => (document.getElementById('audio') as HTMLAudioElement).srcObject)).toBeTruthy();

    child.kill('SIGINT');
    expect(await ended, said()).toEqual([0, null]);
    await expect.poll(() => relay.state, { timeout: PATIENCE }).toMatchObject({ sessions: 0, ffmpegPids: [] });
    await viewer.close();
    browser.check();
  });

  it('may stay, though it never asks for consent to send as browsers do', async () => {
    const { child, said, ended } = publish(`${relay.url}/whip/gst-stays`, '--audio', '', '--token', TOKEN);
    await expect.poll(said, { timeout: PATIENCE }).toContain('live:');
    // Browsers are cut off when they have not asked for 15 s.
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    expect(relay.state.sessions).toBe(1);
    child.kill('SIGINT');
    expect(await ended, said()).toEqual([0, null]);
  });

  it('is sent away when it sends more than the relay takes', async () => {
    await using strict = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0, maxBitrate: 100_000 });
    const snow = ['--video', 'videotestsrc is-live=true pattern=snow', '--kbits', '800', '--audio', ''];
    const { said, ended } = publish(`${strict.url}/whip/snow`, ...snow);
    await expect.poll(said, { timeout: PATIENCE }).toContain('live:');
    await expect.poll(() => strict.state, { timeout: PATIENCE }).toMatchObject({ sessions: 0, transports: 0 });
    expect(await ended, said()).toEqual([1, null]);
  });

  it('says why it was refused', async () => {
    const { said, ended } = publish(`${relay.url}/whip/gst-refused`, '--token', 'token-of-nobody');
    expect(await ended).toEqual([1, null]);
    expect(said()).toMatch(/401.*bearer token/);
  });
});
