/**
 * A process of its own for one model on one provider, as a bad driver may crash: `node measure.mjs REQUEST`, JSON in and
 * a line of JSON for each row, so that what was found stays found. `check`: every graph of the model against the CPU running it as written; `sweep`: frames a second by batch,
 * and with two sessions at once.
 */
import { dist } from './dist.mjs';
import { keepBusy, specOf, texturedFrames, topOf, withSessions } from './sessions.mjs';

const { resolveModel } = await dist('infer/resolve-model.js');
const { sampleBytes } = await dist('shared/layout.js');

/** Levels of 255 by which a right result may differ: rounding, and the order of sums. */
const TOLERANCE = 2;
/** Frames of a checked run: a batch is right only when each of its frames is. */
const CHECKED = 2;

const tell = (row) => process.stdout.write(`${JSON.stringify(row)}\n`);

async function check({ model, provider, side }) {
  // int8 graphs are for CPUs: no GPU provider computes them as such.
  for (const { format, precision } of model.variants.filter((variant) => variant.precision !== 'int8')) {
    const frame = { format, width: side, height: side };
    const result = async (named, asWritten) => {
      const spec = specOf({ model, provider: named, ...frame, asWritten });
      const { output } = await withSessions(spec, 1, ([session]) =>
        session.run(texturedFrames(frame, CHECKED), CHECKED),
      );
      return sampleBytes(format) === 2 ? new Uint16Array(output) : new Uint8Array(output);
    };
    try {
      const [expected, found] = [await result('cpu', true), await result(provider, false)];
      let most = expected.length === found.length ? 0 : Number.POSITIVE_INFINITY;
      for (let i = 0; i < expected.length; i += 1) most = Math.max(most, Math.abs(expected[i] - found[i]));
      const levels = (most * 255) / topOf(format);
      tell({ format, precision, levels, ok: levels <= TOLERANCE, error: null });
    } catch (error) {
      tell({ format, precision, levels: null, ok: false, error: error.message.split('\n')[0] });
    }
  }
}

async function sweep({ model, provider, sizes, batches, seconds }) {
  for (const { name, width, height } of sizes) {
    const frame = { format: 'yuv420p', width, height };
    const spec = specOf({ model, provider, ...frame });
    const cases = [
      ...batches.map((batch) => ({ sessions: 1, batch, inFlight: 2 })),
      { sessions: 1, batch: 1, inFlight: 1 },
      { sessions: 2, batch: 1, inFlight: 1 },
      { sessions: 2, batch: 1, inFlight: 2 },
    ];
    for (const { sessions, batch, inFlight } of cases) {
      const row = { size: name, sessions, batch, inFlight };
      try {
        const found = await withSessions(spec, sessions, (open) => keepBusy(open, { frame, batch, inFlight, seconds }));
        tell({ ...row, ...found, error: null });
      } catch (error) {
        tell({ ...row, fps: null, runMs: null, error: error.message.split('\n')[0] });
      }
    }
  }
}

const request = JSON.parse(process.argv[2] ?? '{}');
const model = await resolveModel(request.model);
await { check, sweep }[request.what]({ ...request, model });
process.stdout.write('', () => process.exit(0));
