import { availableParallelism } from 'node:os';
import { dist } from './dist.mjs';

const { WorkerSession } = await dist('infer/worker-session.js');
const { chooseVariant } = await dist('infer/choose-variant.js');
const { frameLayout, sampleBytes } = await dist('shared/layout.js');

/** What a session needs to know, as the engine takes it. */
export function specOf({ model, provider, width, height, format, asWritten }) {
  const { file, contract } = chooseVariant(model, format, provider, 'auto');
  return {
    ...{ file, contract, format, provider, width, height, asWritten },
    ...{ scale: model.scale, threads: availableParallelism(), tile: undefined },
  };
}

/** The largest value of a sample. */
export function topOf(format) {
  return format === 'rgb48le' ? 65_535 : sampleBytes(format) === 2 ? 1023 : 255;
}

/** Textured frames, each different; `seed` makes another set. */
export function texturedFrames({ format, width, height }, count, seed = 0) {
  const { bytes } = frameLayout(format, width, height);
  const wide = sampleBytes(format) === 2;
  const values = new (wide ? Uint16Array : Uint8Array)((count * bytes) / (wide ? 2 : 1));
  const top = topOf(format);
  let noise = 1 + seed;
  for (let i = 0; i < values.length; i += 1) {
    noise = (noise * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    const wave = 0.5 + 0.25 * Math.sin(i / 7 + seed) + 0.15 * Math.cos(i / (width * 3));
    values[i] = Math.round(top * (wave + (0.1 * noise) / 0x7fff_ffff - 0.05));
  }
  return values.buffer;
}

/**
 * Keeps sessions busy for a while.
 *
 * @param {object[]} sessions open sessions
 * @param {{ frame: object, batch: number, inFlight: number, seconds: number }} load `inFlight`: runs each session has under way
 * @returns frames a second of all of them together, and milliseconds of a run
 */
export async function keepBusy(sessions, { frame, batch, inFlight, seconds }) {
  const lane = async (session, seed, until, done) => {
    let buffer = texturedFrames(frame, batch, seed);
    do {
      const { input, runMs } = await session.run(buffer, batch);
      buffer = input;
      done.push(runMs);
    } while (performance.now() < until);
  };
  const lanes = async (length) => {
    const done = [];
    const started = performance.now();
    const until = started + length * 1000;
    await Promise.all(
      sessions.flatMap((session, index) =>
        Array.from({ length: inFlight }, (_, slot) => lane(session, 10 * index + slot, until, done)),
      ),
    );
    return { runs: done, seconds: (performance.now() - started) / 1000 };
  };
  // The first runs compile and allocate.
  await lanes(0);
  await lanes(0.3);
  const { runs, seconds: took } = await lanes(seconds);
  const sorted = runs.sort((a, b) => a - b);
  return { fps: (runs.length * batch) / took, runMs: sorted[sorted.length >> 1] };
}

/** Opens sessions, hands them over, and closes them whatever happens. */
export async function withSessions(spec, count, use) {
  const sessions = [];
  try {
    for (let i = 0; i < count; i += 1) sessions.push(await WorkerSession.open(spec));
    return await use(sessions);
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}
