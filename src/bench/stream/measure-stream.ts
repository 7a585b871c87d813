import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Bridge } from '../../stream/bridge/bridge.js';
import type { PictureOutlet } from '../../stream/bridge/outlet.js';
import { ModelLadder } from '../../stream/model-ladder.js';
import { resolveOptions } from '../../stream/options.js';
import { ownPeakRss, peakRssOf } from '../cpu-time.js';
import { readLiveClip } from './live-clip.js';
import { PAYLOAD_TYPE, Publisher } from './publisher.js';
import { Recorder } from './recorder.js';
import type { StreamRequest, StreamRow } from './types.js';

/** How often the bridge is looked at, in milliseconds. */
const LOOK_MS = 200;
/** Longest wait for the first picture, in milliseconds: the bench has begun when there is one. */
const PATIENCE_MS = 60_000;

/**
 * Runs the relay's bridge on a paced source. The seconds count from the first upscaled picture, as opening a session on
 * a GPU can take longer than a whole run.
 *
 * @throws TinySRError `TSR_MODEL_*`, `TSR_DEVICE_*`; Error when no picture comes out
 */
export async function measureStream(request: StreamRequest): Promise<StreamRow> {
  const { model, reference, provider, threads, size, fps, clip, seconds, windowSeconds } = request;
  const settings = resolveOptions({
    model: reference,
    device: provider,
    ...(threads === undefined ? {} : { threads }),
  });
  const { models, gpu } = await new ModelLadder(settings).get();
  const recorder = new Recorder();
  const publisher = new Publisher(await readLiveClip(clip), fps, (packet) => bridge.push(packet));
  let startedMs = 0;
  const since = () => (performance.now() - startedMs) / 1000;
  const outlet: PictureOutlet = {
    // No viewer comes or goes.
    takeKeyRequest: () => false,
    send(_picture, timestamp) {
      const due = publisher.takeDue(timestamp);
      if (due !== undefined) recorder.picture(since(), performance.now() - due);
    },
  };
  const bridge = new Bridge({
    ...{ settings, models, outlet, gpu, codec: 'h264', payloadType: PAYLOAD_TYPE, room: 'bench' },
    requestKeyFrame: () => publisher.requestKeyFrame(),
  });
  let ffmpegRss = 0;
  const look = () => {
    recorder.look(since(), bridge.stats);
    const rss = bridge.pids.map((pid) => peakRssOf(pid) ?? 0);
    ffmpegRss = Math.max(
      ffmpegRss,
      rss.reduce((sum, bytes) => sum + bytes, 0),
    );
  };
  const looking = setInterval(look, LOOK_MS);
  try {
    startedMs = publisher.start();
    while (bridge.stats.framesOut === 0 && bridge.stats.state !== 'refused' && since() * 1000 < PATIENCE_MS) {
      await sleep(20);
    }
    if (bridge.stats.framesOut === 0) throw new Error(bridge.stats.reason ?? 'no picture came out');
    await sleep((seconds - windowSeconds) * 1000);
    recorder.beginWindow(since(), bridge.stats);
    await sleep(windowSeconds * 1000);
    look();
    const { failures } = bridge.stats;
    const recorded = recorder.finish(since(), bridge.stats);
    if (recorded.framesOut === 0) throw new Error(`no picture came out in the last ${windowSeconds} s`);
    return {
      ...{ model, provider, size, sourceFps: fps, error: null, basis: 'measured', seconds, windowSeconds, failures },
      ...recorded,
      ...{ targetMs: settings.targetDelay, peakRssBytes: ownPeakRss() + ffmpegRss },
    };
  } finally {
    clearInterval(looking);
    publisher.stop();
    await bridge.close();
  }
}
