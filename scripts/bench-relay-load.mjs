/**
 * Finds how many viewers and rooms this machine holds: `npm run bench:load -- [--seconds N] [--viewers N] [--rooms N]
 * [--target-delay MS] [--json]`. Prints, and fails for no number:
 *
 * - viewers of one room: more and more, until packets are missing or the picture suffers; CPU of the relay
 * - the same viewers at mediasoup alone with a stream of the same bit rate: what a viewer costs beside it
 * - rooms with a publisher and a viewer each, until one of them does not hold rate, size and delay
 *
 * Publishers and viewers are made here (see load/), on the same machine: they send a clip of 320x180, and count packets
 * instead of decoding them, so that what they cost is small; it is shown.
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ROOT } from './lib/paths.mjs';
import { processTree } from './lib/process-tree.mjs';
import { makeCertificate, RtcClient } from './load/rtc-client.mjs';
import { encodeClip, FRAME_RATE, sendForever } from './load/stream.mjs';
import { publish, watch } from './load/whip.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    viewers: { type: 'string', default: '320' },
    rooms: { type: 'string', default: '8' },
    'target-delay': { type: 'string', default: '250' },
    json: { type: 'boolean', default: false },
  },
});

const SIZE = '320x180';
const BITRATE = 400_000;
const SECONDS = Number(values.seconds);
const TARGET_MS = Number(values['target-delay']);
/** Fewer frames a second are no moving picture any more. */
const FEWEST_FPS = 12;
/** The governor may need a while to find what can be held. */
const GOVERNOR_MS = 8000;
/** Share of the packets that must arrive. */
const DELIVERED = 0.98;

const tell = (text) => process.stderr.write(`${text}\n`);
const sum = (list) => list.reduce((total, value) => total + value, 0);

async function startRelay() {
  const flags = ['--listen', '127.0.0.1:0', '--media-port', '0', '--target-delay', String(TARGET_MS)];
  const limits = ['--max-rooms', '1000', '--max-viewers', '5000'];
  const command = [join(ROOT, 'dist', 'cli', 'main.js'), 'relay', ...flags, ...limits];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines = createInterface({ input: child.stderr });
  const url = await new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', () => reject(new Error(`the relay ended: ${text}`)));
    lines.on('line', (line) => {
      text += `${line}\n`;
      const found = /^relay: (http\S+)$/.exec(line)?.[1];
      if (found) resolve(found);
    });
  });
  return { url, pid: child.pid, stop: () => stop(child, 'SIGTERM') };
}

async function stop(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** CPU seconds by part of a process and its children. */
function cpuOf(pid) {
  const parts = { node: 0, mediasoup: 0, ffmpeg: 0 };
  for (const { command, cpuSeconds, endedCpuSeconds } of processTree(pid)) {
    // What has ended was an ffmpeg: the governor takes another one for another size.
    parts.ffmpeg += endedCpuSeconds;
    parts[/mediasoup-worker/.test(command) ? 'mediasoup' : /^\S*ffmpeg/.test(command) ? 'ffmpeg' : 'node'] +=
      cpuSeconds;
  }
  return parts;
}

/** Figures of each room, in no order. */
async function roomFigures(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const of = (name) =>
    [...text.matchAll(new RegExp(`^tinysr_relay_${name}\\{[^}]*\\} (\\S+)$`, 'gm'))].map(([, value]) => Number(value));
  const [ages, rates, sizes] = ['frame_age_p95_seconds', 'fps_out', 'size_share'].map(of);
  return ages.map((age, i) => ({ ageP95Ms: age * 1000, fpsOut: rates[i], sizeShare: sizes[i] }));
}

/**
 * Watches for a while: CPU in percent of a core, and what each viewer got.
 *
 * @param sameStream whether all get the same, so that who got little is measured by what the best one got
 */
async function measure(pid, clients, sameStream = true) {
  const at = performance.now();
  const [before, own] = [cpuOf(pid), process.cpuUsage()];
  const counted = clients.map(({ counts }) => ({ ...counts }));
  await sleep(SECONDS * 1000);
  const seconds = (performance.now() - at) / 1000;
  const [after, used] = [cpuOf(pid), process.cpuUsage(own)];
  const percent = (part) => ((after[part] - before[part]) * 100) / seconds;
  const got = clients.map(({ counts }, i) => ({
    packets: counts.packets - counted[i].packets,
    expected: counts.expected - counted[i].expected,
    bytes: counts.bytes - counted[i].bytes,
  }));
  const most = Math.max(1, ...got.map(({ expected }) => expected));
  return {
    ...{ viewers: clients.length, node: percent('node'), mediasoup: percent('mediasoup'), ffmpeg: percent('ffmpeg') },
    total: percent('node') + percent('mediasoup') + percent('ffmpeg'),
    own: (used.user + used.system) / 1e4 / seconds,
    mbit: (sum(got.map(({ bytes }) => bytes)) * 8) / 1e6 / seconds / Math.max(1, clients.length),
    packets: sum(got.map(({ packets }) => packets)) / seconds / Math.max(1, clients.length),
    delivered: Math.min(...got.map(({ packets, expected }) => packets / (sameStream ? most : Math.max(1, expected)))),
    load: loadavg()[0],
  };
}

/** 1, 5, 10, 20, 40 … and the most that was asked for. */
function steps(most) {
  const list = [1, 5];
  while (list.at(-1) < most) list.push(Math.min(most, list.at(-1) * 2));
  return list.filter((step) => step <= most);
}

async function addClients(clients, count, certificate, connect) {
  while (clients.length < count) {
    const few = Array.from({ length: Math.min(4, count - clients.length) }, () => new RtcClient(certificate));
    clients.push(...few);
    await Promise.all(few.map(connect));
  }
  await sleep(3000);
}

function closeAll(clients) {
  for (const client of clients.splice(0)) client.close();
}

async function openRoom(relay, certificate, clip, room) {
  const publisher = new RtcClient(certificate);
  const ssrc = 1000 + Math.floor(Math.random() * 1e6);
  await publish(publisher, relay.url, room, ssrc);
  const end = await sendForever(clip, 96, ssrc, (packet) => publisher.send(packet));
  return () => {
    end();
    publisher.close();
  };
}

/** What else the machine does may spoil a look: only what does not hold three times does not hold. */
async function tries(look) {
  let row = await look();
  for (let left = 2; left > 0 && !row.held; left -= 1) {
    await sleep(GOVERNOR_MS);
    row = await look();
  }
  return row;
}

/** Viewers of one room. */
async function viewersOfRelay(certificate, clip, source) {
  const relay = await startRelay();
  const clients = [];
  const rows = [];
  const closeRoom = await openRoom(relay, certificate, clip, 'load');
  try {
    for (const count of steps(Number(values.viewers))) {
      await addClients(clients, count, certificate, (client) => watch(client, relay.url, 'load', source));
      if (rows.length === 0) await sleep(GOVERNOR_MS);
      const row = await tries(async () => {
        const measured = await measure(relay.pid, clients);
        const [figures] = source === 'upscaled' ? await roomFigures(relay.url) : [];
        return { ...measured, ...figures, held: measured.delivered >= DELIVERED && (!figures || holds(figures)) };
      });
      rows.push(row);
      tell(`  ${count} of ${source}: ${row.total.toFixed(0)} % CPU, ${(row.delivered * 100).toFixed(1)} % delivered`);
      if (!row.held) break;
    }
  } finally {
    closeAll(clients);
    closeRoom();
    await relay.stop();
  }
  return rows;
}

function holds({ ageP95Ms, fpsOut, sizeShare }) {
  return ageP95Ms <= TARGET_MS && fpsOut >= FEWEST_FPS && sizeShare === 1;
}

/** As many viewers of a stream of this bit rate at mediasoup alone. */
async function viewersOfMediasoup(certificate, bitrate, counts, folder) {
  const child = fork(join(ROOT, 'scripts', 'load', 'bare-mediasoup.mjs'));
  const ask = async (message) => {
    child.send(message);
    return (await once(child, 'message'))[0];
  };
  const clients = [];
  const rows = [];
  try {
    await ask({ bitrate, folder });
    const fingerprints = [{ algorithm: 'sha-256', value: certificate.fingerprint }];
    let turn = Promise.resolve();
    for (const count of counts) {
      await addClients(clients, count, certificate, async (client) => {
        // One question after the other: answers come without a number.
        turn = turn.then(() => ask({ role: 'client', fingerprints }));
        await client.connect(await turn);
      });
      rows.push(await measure(child.pid, clients));
      tell(`  ${count} at mediasoup alone: ${rows.at(-1).total.toFixed(0)} % CPU`);
    }
  } finally {
    closeAll(clients);
    await stop(child, 'SIGKILL');
  }
  return rows;
}

/** Rooms with a publisher and a viewer of the upscaled picture each. */
async function rooms(certificate, clip) {
  const relay = await startRelay();
  const [clients, closers, rows] = [[], [], []];
  try {
    while (rows.length < Number(values.rooms)) {
      const name = `room-${rows.length}`;
      closers.push(await openRoom(relay, certificate, clip, name));
      await addClients(clients, clients.length + 1, certificate, (client) =>
        watch(client, relay.url, name, 'upscaled'),
      );
      await sleep(GOVERNOR_MS);
      const row = await tries(async () => {
        const measured = await measure(relay.pid, clients, false);
        const figures = await roomFigures(relay.url);
        const worst = {
          ageP95Ms: Math.max(...figures.map(({ ageP95Ms }) => ageP95Ms)),
          fpsOut: Math.min(...figures.map(({ fpsOut }) => fpsOut)),
          sizeShare: Math.min(...figures.map(({ sizeShare }) => sizeShare)),
        };
        return {
          ...measured,
          ...worst,
          rooms: closers.length,
          held: figures.length === closers.length && figures.every(holds),
        };
      });
      rows.push(row);
      tell(
        `  ${closers.length} rooms: ${row.total.toFixed(0)} % CPU, p95 ${row.ageP95Ms.toFixed(0)} ms, ${row.fpsOut.toFixed(1)} fps`,
      );
      if (!row.held) break;
    }
  } finally {
    closeAll(clients);
    for (const close of closers) close();
    await relay.stop();
  }
  return rows;
}

/**
 * CPU that one more viewer costs, in percent of a core: the slope from the fewest to the most that were held. Of the media
 * worker only: what the model takes changes with the machine's other work, and far more than what a viewer costs.
 */
function costOfViewer(rows) {
  const held = rows.filter((row) => row.held !== false);
  const [first, last] = [held[0], held.at(-1)];
  if (!first || last.viewers === first.viewers) return null;
  return (last.mediasoup - first.mediasoup) / (last.viewers - first.viewers);
}

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'tinysr-load-'));
  try {
    const certificate = await makeCertificate(folder);
    const clip = await encodeClip('VP8', SIZE, BITRATE, folder);
    const machine = { cpu: cpus()[0].model.trim(), cores: availableParallelism(), loadBefore: loadavg() };
    tell('viewers of the upscaled picture');
    const upscaled = await viewersOfRelay(certificate, clip, 'upscaled');
    tell('viewers of the original picture');
    const original = await viewersOfRelay(certificate, clip, 'original');
    tell('mediasoup alone');
    const counts = upscaled.filter(({ held }) => held).map(({ viewers }) => viewers);
    const bitrate = Math.round(upscaled[0].mbit * 1e6);
    const alone = await viewersOfMediasoup(certificate, bitrate, counts.length ? counts : [1], folder);
    tell('rooms');
    return {
      ...{ schema: 'tinysr-video-bench-load/1', date: new Date().toISOString(), machine, seconds: SECONDS },
      ...{ source: `${SIZE}, ${FRAME_RATE} fps`, targetDelayMs: TARGET_MS, upscaled, original, alone },
      cost: { upscaled: costOfViewer(upscaled), original: costOfViewer(original), alone: costOfViewer(alone) },
      rooms: await rooms(certificate, clip),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function table(names, rows) {
  const cells = [names, ...rows];
  const widths = names.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  return cells.map((row) => row.map((cell, i) => cell.padStart(widths[i])).join('  ')).join('\n');
}

function print(result) {
  const { machine, cost, upscaled, original, alone } = result;
  const n = (value, digits = 0) => (value === undefined || value === null ? '-' : value.toFixed(digits));
  const row = (name) => (entry) => [
    ...[
      name,
      n(entry.rooms ?? 1),
      n(entry.viewers),
      n(entry.total),
      n(entry.node),
      n(entry.mediasoup),
      n(entry.ffmpeg),
    ],
    ...[n(entry.own), n(entry.mbit, 2), n(entry.delivered * 100, 1), n(entry.fpsOut, 1), n(entry.ageP95Ms)],
    ...[n(entry.sizeShare, 2), n(entry.load, 1), entry.held === undefined ? '' : entry.held ? 'yes' : 'no'],
  ];
  const names = ['', 'rooms', 'viewers', 'CPU %', 'node', 'mediasoup', 'ffmpeg', 'clients', 'Mbit/s each'];
  names.push('delivered %', 'fps', 'p95 ms', 'size', 'load', 'holds');
  return [
    `${machine.cpu}, ${machine.cores} cores, load before ${machine.loadBefore.map((load) => load.toFixed(1)).join(', ')}`,
    `${result.source}, ${result.seconds} s a line, CPU in percent of a core; target ${result.targetDelayMs} ms`,
    '',
    table(names, [
      ...upscaled.map(row('upscaled')),
      ...original.map(row('original')),
      ...alone.map(row('mediasoup alone')),
      ...result.rooms.map(row('rooms')),
    ]),
    '',
    `media worker, one more viewer: upscaled ${n(cost.upscaled, 2)} %, original ${n(cost.original, 2)} %, at mediasoup alone ${n(cost.alone, 2)} % of a core`,
  ].join('\n');
}

const result = await main();
console.log(values.json ? JSON.stringify(result, undefined, 2) : print(result));
