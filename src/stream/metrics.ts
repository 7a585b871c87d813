import { BRIDGE_STATES } from './bridge/bridge.js';
import { STAGES } from './bridge/pipeline.js';
import type { MediaEngine } from './media/engine.js';
import type { Rooms } from './room/rooms.js';

interface Line {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
  readonly values: readonly (readonly [labels: string, value: number | undefined])[];
}

function render({ name, help, type, values }: Line): string {
  const present = values.filter(([, value]) => value !== undefined);
  const lines = present.map(([labels, value]) => `${name}${labels && `{${labels}}`} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n');
}

/** A label's value as the format wants it: an ONNX file may be called anything, and one bad line costs all of them. */
export function labelValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** Counts of the relay that outlive rooms. */
export interface RelayCounters {
  connections: number;
  refused: number;
}

/** The relay's state as Prometheus reads it. Rooms are numbered as they open, not named: a name is what lets people in. */
export function metricsText(rooms: Rooms, engine: MediaEngine, counters: RelayCounters): string {
  const all = rooms.all.map((room) => ({
    label: `room="${room.number}"`,
    room,
    bridge: room.publication?.bridgeStats,
  }));
  type Entry = (typeof all)[number];
  const perRoom = (
    name: string,
    help: string,
    type: 'gauge' | 'counter',
    value: (bridge: NonNullable<Entry['bridge']>) => number,
  ): Line => ({ name, help, type, values: all.map(({ label, bridge }) => [label, bridge && value(bridge)]) });
  const single = (name: string, help: string, type: 'gauge' | 'counter', value: number): Line => ({
    name,
    help,
    type,
    values: [['', value]],
  });
  const lines = [
    single('tinysr_relay_worker_up', '1 while the media worker runs', 'gauge', engine.alive ? 1 : 0),
    single('tinysr_relay_worker_restarts_total', 'Media workers started again', 'counter', engine.restarts),
    single('tinysr_relay_rooms', 'Open rooms', 'gauge', all.length),
    single(
      'tinysr_relay_publishers',
      'Rooms with a publisher',
      'gauge',
      all.filter(({ room }) => room.publication).length,
    ),
    single(
      'tinysr_relay_viewers',
      'Viewers of all rooms',
      'gauge',
      all.reduce((sum, { room }) => sum + room.viewers, 0),
    ),
    single(
      'tinysr_relay_transports',
      'Open media transports, of clients and internal ones',
      'gauge',
      engine.transports,
    ),
    single('tinysr_relay_connections_total', 'Connections and sessions opened', 'counter', counters.connections),
    single('tinysr_relay_refused_total', 'Requests refused', 'counter', counters.refused),
    single('tinysr_relay_memory_bytes', 'Resident memory of the process', 'gauge', process.memoryUsage.rss()),
    perRoom('tinysr_relay_fps_in', 'Pictures a second that come in', 'gauge', ({ fpsIn }) => fpsIn),
    perRoom('tinysr_relay_fps_out', 'Upscaled pictures a second', 'gauge', ({ fpsOut }) => fpsOut),
    perRoom('tinysr_relay_frame_age_seconds', 'Median age of upscaled frames', 'gauge', ({ ageMs }) => ageMs / 1000),
    perRoom(
      'tinysr_relay_frame_age_p95_seconds',
      '95 % of upscaled frames are younger',
      'gauge',
      (b) => b.ageP95Ms / 1000,
    ),
    {
      name: 'tinysr_relay_stage_seconds',
      help: 'Median time that a frame spends in each stage on its way',
      type: 'gauge',
      values: all.flatMap(({ label, bridge }) =>
        STAGES.map((stage) => [`${label},stage="${stage}"`, bridge && bridge.stages[stage] / 1000] as const),
      ),
    } satisfies Line,
    perRoom('tinysr_relay_frames_queued', 'Frames that wait for the model or are encoded', 'gauge', (b) => b.queued),
    perRoom('tinysr_relay_frames_in_total', 'Pictures that came in', 'counter', ({ framesIn }) => framesIn),
    perRoom('tinysr_relay_frames_out_total', 'Upscaled pictures sent', 'counter', ({ framesOut }) => framesOut),
    perRoom('tinysr_relay_frames_displaced_total', 'Frames displaced by newer ones', 'counter', (b) => b.displaced),
    perRoom('tinysr_relay_frames_paced_total', 'Frames left out to hold the rate', 'counter', ({ paced }) => paced),
    perRoom('tinysr_relay_packets_lost_total', 'Packets that never came', 'counter', ({ packetsLost }) => packetsLost),
    perRoom('tinysr_relay_key_requests_total', 'Key frames asked for', 'counter', (b) => b.keyFrameRequests),
    perRoom('tinysr_relay_failures_total', 'Pipelines opened again', 'counter', ({ failures }) => failures),
    perRoom('tinysr_relay_fps_limit', 'Rate that the governor holds; 0: none', 'gauge', ({ maxFps }) => maxFps ?? 0),
    {
      name: 'tinysr_relay_state',
      help: '1 for what the upscaling of a room does: it waits, runs, fails, or is refused',
      type: 'gauge',
      values: all.flatMap(({ label, bridge }) =>
        BRIDGE_STATES.map((state) => [`${label},state="${state}"`, bridge && Number(bridge.state === state)] as const),
      ),
    } satisfies Line,
    {
      name: 'tinysr_relay_model_info',
      help: '1 for the model that a room has now',
      type: 'gauge',
      values: all.map(({ label, bridge }) => [
        `${label},model="${labelValue(bridge?.model ?? '')}"`,
        bridge?.model ? 1 : undefined,
      ]),
    } satisfies Line,
    perRoom('tinysr_relay_size_share', 'Share of the full size the model is given', 'gauge', (b) => b.sizeShare),
  ];
  return `${lines.map(render).join('\n')}\n`;
}
