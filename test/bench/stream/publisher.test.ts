import { beforeAll, describe, expect, it } from 'vitest';
import { makeLiveClip, readLiveClip } from '#src/bench/stream/live-clip.js';
import { PAYLOAD_TYPE, Publisher } from '#src/bench/stream/publisher.js';
import type { CodedPicture } from '#src/stream/bridge/ivf.js';
import type { AccessUnit } from '#src/stream/rtp/access-unit.js';
import { Assembler } from '#src/stream/rtp/assembler.js';
import { ffmpeg } from '../../support/ffmpeg.js';
import { testFolder } from '../../support/folder.js';

const FPS = 50;
const folder = testFolder();

describe('live source', () => {
  let clip: readonly CodedPicture[];

  beforeAll(async () => {
    const video = folder.file('source.mkv');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=128x96:rate=25:duration=5', '-c:v', 'ffv1', video);
    clip = await readLiveClip(
      await makeLiveClip(
        video,
        { name: '96x64', width: 96, height: 64 },
        FPS,
        folder.path,
        new AbortController().signal,
      ),
    );
  });

  /** What arrives until `enough` says so. */
  async function received(enough: (units: readonly AccessUnit[], publisher: Publisher) => boolean) {
    const units: AccessUnit[] = [];
    let losses = 0;
    await new Promise<void>((resolve) => {
      const assembler = new Assembler('h264', PAYLOAD_TYPE, {
        picture(unit) {
          units.push(unit);
          if (!enough(units, publisher)) return;
          publisher.stop();
          resolve();
        },
        lost: (packets) => {
          losses += packets;
        },
      });
      const publisher = new Publisher(clip, FPS, (packet) => assembler.push(packet, performance.now()));
      publisher.start();
    });
    return { units, losses };
  }

  it('sends nothing more once it is stopped', async () => {
    let packets = 0;
    const publisher = new Publisher(clip, FPS, () => {
      packets += 1;
      publisher.stop();
    });
    publisher.start();
    const before = packets;
    await new Promise((resolve) => setTimeout(resolve, 5 * (1000 / FPS)));
    expect(before).toBeGreaterThan(0);
    expect(packets).toBe(before);
  });

  it('has a key frame a second', () => {
    const keys = clip.flatMap(({ key }, index) => (key ? [index] : []));
    expect(clip).toHaveLength(125);
    expect(keys).toEqual([0, 50, 100]);
  });

  it('sends every picture whole, stamped by its rate', async () => {
    const { units, losses } = await received(({ length }) => length === 20);
    expect(losses).toBe(0);
    expect(units[0]).toMatchObject({ key: true, size: { width: 96, height: 64 }, timestamp: 0 });
    expect(units.map(({ timestamp }) => timestamp)).toEqual(units.map((_, index) => index * 1800));
    expect(units.filter(({ key }) => key)).toHaveLength(1);
  });

  it('goes on with a key frame when asked for one', async () => {
    const { units } = await received((seen, publisher) => {
      if (seen.length === 5) publisher.requestKeyFrame();
      return seen.length === 8;
    });
    expect(units.map(({ key }) => key)).toEqual([true, false, false, false, false, true, false, false]);
  });

  it('knows when each frame was due, once', async () => {
    const dues: (number | undefined)[] = [];
    await received((units, publisher) => {
      const stamp = units.at(-1)?.timestamp ?? -1;
      dues.push(publisher.takeDue(stamp));
      expect(publisher.takeDue(stamp)).toBeUndefined();
      return units.length === 6;
    });
    const steps = dues.slice(1).map((due, index) => (due ?? 0) - (dues[index] ?? 0));
    for (const step of steps) expect(step).toBeCloseTo(1000 / FPS);
  });
});
