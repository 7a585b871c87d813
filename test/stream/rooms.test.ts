import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { log } from '#src/shared/log.js';
import { AnnouncedAddresses } from '#src/stream/media/announced.js';
import { MediaEngine } from '#src/stream/media/engine.js';
import { ModelLadder } from '#src/stream/model-ladder.js';
import { type RelayOptions, resolveOptions } from '#src/stream/options.js';
import { Rooms } from '#src/stream/room/rooms.js';

const KEY = 'key-of-the-publisher';
const WATCHER = { wantsUpscaled: false };

describe('rooms', { timeout: 60_000 }, () => {
  let engine: MediaEngine;
  const settings = (more: RelayOptions = {}) => resolveOptions({ listen: '127.0.0.1:0', mediaPort: 0, ...more });
  beforeAll(async () => {
    log.level = 'silent';
    engine = await MediaEngine.start(settings());
  });
  afterAll(() => engine?.close());

  function rooms(more: RelayOptions = {}): Rooms {
    return new Rooms(settings(more), engine, new ModelLadder(settings(more)));
  }

  it('keep their place for the publisher that left half a minute, whoever comes and goes meanwhile', async () => {
    const all = rooms();
    const room = await all.open('busy', 'publish');
    const publication = await room.publish(KEY, 'page');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await publication.close();
      for (let second = 0; second < 28; second += 7) {
        room.join(WATCHER);
        vi.advanceTimersByTime(3500);
        room.leave(WATCHER);
        vi.advanceTimersByTime(3500);
      }
      await expect(room.publish(undefined, 'page')).rejects.toMatchObject({ code: 'room-busy' });
      room.join(WATCHER);
      vi.advanceTimersByTime(2001);
      await expect(room.publish(undefined, 'page')).resolves.toBeDefined();
    } finally {
      vi.useRealTimers();
      await all.close('end of the test');
    }
  });

  it('make way for a publisher where people only wait, not where a publisher is or may come back', async () => {
    const all = rooms({ maxRooms: 2 });
    const [wanted, kept] = [await all.open('misspelt', 'watch'), await all.open('kept', 'publish')];
    wanted.join(WATCHER);
    const publication = await kept.publish(KEY, 'page');
    await expect(all.open('more', 'watch')).rejects.toMatchObject({ code: 'too-many-rooms' });
    await all.open('live', 'publish').then((room) => room.publish(undefined, 'page'));
    expect(wanted.closed).toBe(true);
    await publication.close();
    kept.join(WATCHER);
    await expect(all.open('another', 'publish')).rejects.toMatchObject({ code: 'too-many-rooms' });
    await all.close('end of the test');
  });

  it('serve many kinds of viewers at the same time', async () => {
    const all = rooms();
    const room = await all.open('kinds', 'publish');
    const [codec] = room.router.rtpCapabilities.codecs ?? [];
    if (!codec) throw new Error('the room has no codec');
    const leases = await Promise.all(
      Array.from({ length: 31 }, (_, index) => room.profiles.lease([{ ...codec, preferredPayloadType: 96 + index }])),
    );
    expect(room.profiles.size).toBe(31);
    for (const lease of leases) lease.release();
    expect(room.profiles.size).toBe(0);
    await all.close('end of the test');
  });

  it('keep their number, which the metrics have, when others end', async () => {
    const all = rooms();
    const [first] = [await all.open('first', 'publish'), await all.open('second', 'publish')];
    const publish = async (name: string) => (await all.open(name, 'publish')).publish(undefined, 'page');
    await Promise.all([publish('first'), publish('second')]);
    await first?.close('end');
    expect(all.all.map(({ number }) => number)).toEqual([1]);
    await all.close('end of the test');
  });
});

describe('announced addresses', () => {
  it('are what a name stands for: browsers need not look it up', async () => {
    const found = await AnnouncedAddresses.find('localhost', '0.0.0.0');
    expect(found.all).toContain('127.0.0.1');
    expect(found.all.every((address) => /^[\d.]+$/.test(address))).toBe(true);
    found.close();
  });

  it('are the name as long as nobody knows it, and an address as it is', async () => {
    log.level = 'silent';
    const unknown = await AnnouncedAddresses.find('relay.invalid', '0.0.0.0');
    expect(unknown.all).toEqual(['relay.invalid']);
    unknown.close();
    expect((await AnnouncedAddresses.find('192.0.2.1', '0.0.0.0')).all).toEqual(['192.0.2.1']);
  });

  it('refuses to listen on an address of another machine, by name', async () => {
    const elsewhere = resolveOptions({ listen: '203.0.113.7:0', mediaPort: 0 });
    await expect(MediaEngine.start(elsewhere)).rejects.toMatchObject({
      code: 'TSR_RELAY_LISTEN',
      message: expect.stringContaining('203.0.113.7 is no address of this machine'),
    });
  });
});
