/// <reference lib="dom" />
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findGstreamer } from '../../scripts/setup/gstreamer.mjs';
import { PATIENCE, videoContrast, videoState, waitForFrames } from './browser.js';
import { openRelay, testStage } from './stage.js';

const TOKEN = 'token-of-the-tests';

describe('GStreamer publishes by WHIP', { timeout: 5 * PATIENCE }, () => {
  const stage = testStage('160x90', { targetDelay: 2000, token: TOKEN });
  let python: string;
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    const found = await findGstreamer();
    if (!found) throw new Error('no GStreamer with WebRTC: run npm run setup');
    python = found.python;
  }, PATIENCE);

  afterAll(() => {
    for (const child of running) child.kill('SIGKILL');
  });

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
      `${stage.relay.url}/whip/gst-${codec}`,
      '--codec',
      codec,
      '--size',
      '160x96',
      '--token',
      TOKEN,
    );
    await expect.poll(said, { timeout: PATIENCE }).toMatch(/^live: http\S+\/whip\/session\/\S+$/m);
    const viewer = await stage.browser.open(`${stage.relay.url}/r/gst-${codec}#token=${TOKEN}`);
    await waitForFrames(viewer, 'after', 12);
    await waitForFrames(viewer, 'before', 12);
    expect(await videoState(viewer, 'before')).toMatchObject({ width: 160, height: 96 });
    expect(await videoState(viewer, 'after')).toMatchObject({ width: 640, height: 384 });
    expect(await videoContrast(viewer, 'after')).toBeGreaterThan(5);
    expect(await viewer.evaluate(() => (document.getElementById('audio') as HTMLAudioElement).srcObject)).toBeTruthy();

    child.kill('SIGINT');
    expect(await ended, said()).toEqual([0, null]);
    await expect.poll(() => stage.relay.state, { timeout: PATIENCE }).toMatchObject({ sessions: 0, ffmpegPids: [] });
    await viewer.close();
    stage.browser.check();
  });

  it('may stay, though it never asks for consent to send as browsers do', async () => {
    const { child, said, ended } = publish(`${stage.relay.url}/whip/gst-stays`, '--audio', '', '--token', TOKEN);
    await expect.poll(said, { timeout: PATIENCE }).toContain('live:');
    // Who sends nothing else is gone when it has not asked for 30 s.
    await new Promise((resolve) => setTimeout(resolve, 45_000));
    expect(stage.relay.state.sessions).toBe(1);
    child.kill('SIGINT');
    expect(await ended, said()).toEqual([0, null]);
  });

  it('is sent away when it sends more than the relay takes', async () => {
    await using strict = await openRelay({ maxBitrate: 100_000 });
    const snow = ['--video', 'videotestsrc is-live=true pattern=snow', '--kbits', '800', '--audio', ''];
    const { said, ended } = publish(`${strict.url}/whip/snow`, ...snow);
    await expect.poll(said, { timeout: PATIENCE }).toContain('live:');
    await expect.poll(() => strict.state, { timeout: PATIENCE }).toMatchObject({ sessions: 0, transports: 0 });
    expect(await ended, said()).toEqual([1, null]);
  });

  it('says why it was refused', async () => {
    const { said, ended } = publish(`${stage.relay.url}/whip/gst-refused`, '--token', 'token-of-nobody');
    expect(await ended).toEqual([1, null]);
    expect(said()).toMatch(/401.*bearer token/);
  });
});
