import type { Room } from '../room/room.js';

/** What people in a room may know about it; sent every second. */
export function roomStats(room: Room): object {
  const { publication } = room;
  const bridge = publication?.bridgeStats;
  return {
    live: publication?.tracks('original').video !== undefined,
    sound: publication?.tracks('original').audio !== undefined,
    viewers: room.viewers,
    soundDelayMs: publication?.audioDelayMs && Math.round(publication.audioDelayMs),
    bridge: bridge && {
      state: bridge.state,
      reason: bridge.reason,
      source: bridge.source,
      output: bridge.output,
      model: bridge.model,
      fpsIn: Math.round(bridge.fpsIn * 10) / 10,
      fpsOut: Math.round(bridge.fpsOut * 10) / 10,
      maxFps: bridge.maxFps,
      sizeShare: bridge.sizeShare,
      ageMs: Math.round(bridge.ageMs),
      ageP95Ms: Math.round(bridge.ageP95Ms),
      runMs: Math.round(bridge.stages.model),
      displaced: bridge.displaced,
      packetsLost: bridge.packetsLost,
    },
  };
}
