/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Relay } from '#src/stream/relay.js';
import { PATIENCE, videoContrast, videoState, waitForFrames } from './browser.js';
import { publishCamera, testStage } from './stage.js';
import { connectByHttp, fragmentInUse, heard, restartIceByHttp } from './whip-page.js';

/** How far the sound of the upscaled stream is from its picture, in milliseconds, as the relay tells viewers. */
async function soundBesidePicture(relay: Relay, room: string): Promise<number> {
  const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/signal`);
  try {
    return await new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', () => {
        socket.send(JSON.stringify({ id: 1, method: 'hello', data: { version: 1, role: 'watch', room } }));
      });
      socket.on('message', (text) => {
        const { event, data } = JSON.parse(String(text));
        if (event !== 'stats') return;
        const { soundDelayMs, bridge } = data;
        const known = soundDelayMs !== undefined && bridge?.ageMs > 0;
        resolve(known ? Math.abs(soundDelayMs - bridge.ageMs) : Number.POSITIVE_INFINITY);
      });
    });
  } finally {
    socket.close();
  }
}

/** Frames that must be shown before a stream counts as flowing. */
const FLOWING = 12;

describe('relay and browser', { timeout: 5 * PATIENCE }, () => {
  // The governor may slow down on a busy machine but shall not change the size that is asked for below.
  const stage = testStage('160x90', { targetDelay: 2000 });

  it('shows what the page publishes, four times as large, and keeps on after its ffmpegs and the worker were killed', async () => {
    const { relay, browser } = stage;
    const publisher = await browser.open(relay.url);
    const viewer = await browser.open(await publishCamera(publisher));
    await waitForFrames(viewer, 'after', FLOWING);
    await waitForFrames(viewer, 'before', FLOWING);
    const [before, after] = [await videoState(viewer, 'before'), await videoState(viewer, 'after')];
    expect(after.width / before.width).toBeCloseTo(4, 1);
    expect(await videoContrast(viewer, 'after')).toBeGreaterThan(10);
    expect(await viewer.evaluate(() => (document.getElementById('audio') as HTMLAudioElement).srcObject)).toBeTruthy();

    await viewer.click('button[data-mode=original]');
    await viewer.waitForFunction(() => (document.getElementById('after') as HTMLVideoElement).srcObject === null);
    await waitForFrames(viewer, 'before', FLOWING);
    await viewer.click('button[data-mode=upscaled]');
    await waitForFrames(viewer, 'after', FLOWING);

    const spent = async (stage: string) => {
      const metrics = await (await fetch(`${relay.url}/metrics`)).text();
      const line = new RegExp(`^tinysr_relay_stage_seconds\\{room="0",stage="${stage}"\\} (\\S+)$`, 'm');
      return Number(line.exec(metrics)?.[1]);
    };
    for (const stage of ['decode', 'model', 'encode']) {
      await expect.poll(() => spent(stage), { timeout: PATIENCE }).toBeGreaterThan(0);
    }

    for (const pid of relay.state.ffmpegPids) process.kill(pid, 'SIGKILL');
    await waitForFrames(viewer, 'after', FLOWING);

    process.kill(relay.state.workerPid ?? 0, 'SIGKILL');
    await viewer.waitForFunction(() => document.getElementById('status')?.textContent !== 'Live');
    await viewer.waitForFunction(() => document.getElementById('status')?.textContent === 'Live');
    await waitForFrames(viewer, 'after', FLOWING);
    browser.check();

    await viewer.close();
    await publisher.close();
    await expect.poll(() => relay.state, { timeout: PATIENCE }).toMatchObject({ viewers: 0, peers: 0, ffmpegPids: [] });
  });

  it('passes WHIP on to WHEP for offers with differing numbers, and ends with DELETE', async () => {
    const { relay, browser } = stage;
    const publisher = await browser.open(relay.url);
    const published = await connectByHttp(publisher, 'whip', `${relay.url}/whip/studio`, { prefer: 'video/H264' });
    expect(published.status, published.answer).toBe(201);
    expect(published.location).toMatch(/^\/whip\/session\/[\w-]{20,}$/);
    expect(published.etag).toMatch(/^".+"$/);

    const second = await connectByHttp(await browser.open(relay.url), 'whip', `${relay.url}/whip/studio`);
    expect(second.status).toBe(409);

    const plain = await browser.open(relay.url);
    const renumbered = await browser.open(relay.url);
    const watched = await connectByHttp(plain, 'whep', `${relay.url}/whep/studio`);
    expect(watched.status, watched.answer).toBe(201);
    const moved = await connectByHttp(renumbered, 'whep', `${relay.url}/whep/studio?source=original`, {
      renumber: true,
    });
    expect(moved.status, moved.answer).toBe(201);
    const number = (sdp: string) => /a=rtpmap:(\d+) H264/.exec(sdp)?.[1];
    expect(number(moved.answer)).not.toBe(number(watched.answer));
    await waitForFrames(renumbered, 'whep-video', FLOWING);
    await waitForFrames(plain, 'whep-video', FLOWING);
    const original = await videoState(renumbered, 'whep-video');
    expect((await videoState(plain, 'whep-video')).width).toBeGreaterThan(original.width);
    expect(await videoContrast(plain, 'whep-video')).toBeGreaterThan(10);

    await expect.poll(async () => (await heard(plain)).energy, { timeout: PATIENCE }).toBeGreaterThan(0);
    expect((await heard(renumbered)).samples).toBeGreaterThan(0);
    await expect.poll(() => soundBesidePicture(relay, 'studio'), { timeout: PATIENCE }).toBeLessThan(80);

    const trickle = (etag: string | null) =>
      fetch(relay.url + watched.location, {
        method: 'PATCH',
        headers: { 'content-type': 'application/trickle-ice-sdpfrag', ...(etag ? { 'if-match': etag } : {}) },
        body: 'a=end-of-candidates\r\n',
      });
    expect((await trickle(watched.etag)).status).toBe(204);
    for (const other of ['*', '"*"', `"other", ${watched.etag}`]) expect((await trickle(other)).status).toBe(204);
    const refused = await Promise.all([trickle('"other"'), trickle(null)]);
    expect(refused.map(({ status }) => status)).toEqual([412, 428]);
    for (const answer of refused) expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect((await fetch(relay.url + watched.location, { method: 'DELETE' })).status).toBe(200);
    expect((await fetch(relay.url + watched.location, { method: 'DELETE' })).status).toBe(404);
    expect((await fetch(relay.url + published.location, { method: 'DELETE' })).status).toBe(200);
    await expect.poll(() => relay.state.sessions, { timeout: PATIENCE }).toBe(0);
    browser.check();
  });

  it.each(['whip', 'whep'] as const)('%s begins ICE anew by PATCH, and the picture goes on', async (kind) => {
    const { relay, browser } = stage;
    const room = `${relay.url}/%/restart-${kind}`;
    const publisher = await browser.open(relay.url);
    const published = await connectByHttp(publisher, 'whip', room.replace('%', 'whip'));
    const viewer = await browser.open(relay.url);
    const watched = await connectByHttp(viewer, 'whep', `${room.replace('%', 'whep')}?source=original`);
    await waitForFrames(viewer, 'whep-video', 3);

    const [page, { location, etag }] = kind === 'whip' ? [publisher, published] : [viewer, watched];
    const session = relay.url + location;
    const restarted = await restartIceByHttp(page, kind, session, etag);
    expect(restarted.status).toBe(200);
    const [before, after] = restarted.fragments;
    expect(after).not.toBe(before);
    expect(restarted.etag).not.toBe(etag);
    await expect.poll(() => fragmentInUse(page, kind), { timeout: PATIENCE }).toBe(after);
    await waitForFrames(viewer, 'whep-video', FLOWING);

    // Who still holds the tag of the ICE session before is told so.
    const late = await fetch(session, {
      method: 'PATCH',
      headers: { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': etag ?? '' },
      body: 'a=ice-ufrag:late\r\na=ice-pwd:late\r\n',
    });
    expect(late.status).toBe(412);
    browser.check();
    await Promise.all([publisher.close(), viewer.close()]);
  });
});
