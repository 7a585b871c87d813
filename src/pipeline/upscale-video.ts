import { Observable } from 'rxjs';
import type { FrameSource } from '../decode/frame-source.js';
import { OutputFile } from '../encode/output-file.js';
import { pictureTarget } from '../encode/pictures/formats.js';
import { PictureFolder } from '../encode/pictures/picture-folder.js';
import { emptyTracks } from '../encode/track-damage.js';
import type { Upscaler } from '../infer/types.js';
import { InferenceThread } from '../infer/worker-session.js';
import { ClosingStack } from '../shared/closing-stack.js';
import { TinySRError, toTinySRError } from '../shared/errors.js';
import { stoppedError, throwIfStopped } from '../shared/stopped.js';
import { carryExif } from './carry-exif.js';
import { carryProfile } from './carry-profile.js';
import { checkVideoOptions } from './check-options.js';
import { cutOff } from './cut-off.js';
import { fieldHint } from './field-hint.js';
import { Meter } from './meter.js';
import { type LineEnds, type LineSink, openLine, wholeVideo } from './open-line.js';
import type { UpscaleVideoOptions } from './options.js';
import { outputContainer, planVideo, type VideoPlan } from './plan.js';
import type { DoneEvent, Progress, StartEvent } from './progress.js';
import { Resumption } from './resume/resumption.js';
import type { Met } from './resume/segmented-sink.js';
import { hasWork } from './resume/work-folder.js';
import { runLine } from './run-line.js';
import { refuseSameFile } from './same-file.js';
import { inUsersWords, scratchFolder, spool } from './spool.js';

/** Told to whoever begins anew what could be gone on with. */
const FORGOTTEN = 'an earlier run left finished pieces of this output: --resume would go on from there';

/** Milliseconds between two progress events. */
const PROGRESS_MS = 200;

function startEvent(
  options: UpscaleVideoOptions,
  plan: VideoPlan,
  upscaler: Upscaler,
  resumedFrom: number,
): StartEvent {
  const { video } = plan.encode.source;
  return {
    type: 'start',
    input: options.input,
    output: options.output,
    model: plan.model.name,
    provider: upscaler.provider,
    precision: upscaler.precision,
    sourceWidth: video.width,
    sourceHeight: video.height,
    width: plan.encode.width,
    height: plan.encode.height,
    encoder: plan.encode.encoder,
    frameFormat: plan.decode.format,
    batch: upscaler.batch,
    tile: upscaler.tile ?? null,
    totalFrames: plan.totalFrames ?? null,
    resumedFrom,
  };
}

/** Tells how far pieces are joined, not at every megabyte; the end is always told. */
function joiningTeller(emit: (event: Progress) => void): (bytes: number, totalBytes: number) => void {
  const begun = performance.now();
  let told = Number.NEGATIVE_INFINITY;
  return (bytes, totalBytes) => {
    const now = performance.now();
    if (now - told < PROGRESS_MS && bytes < totalBytes) return;
    told = now;
    const etaSeconds = bytes === 0 ? null : ((now - begun) / 1000) * (totalBytes / bytes - 1);
    emit({ type: 'joining', bytes, totalBytes, etaSeconds });
  };
}

/** Damage met in the picture and in the tracks that were converted; a missing end is a damaged place, if nothing else tells of it. */
function damageOf(
  met: Met,
  sink: LineSink,
  missing: string | undefined,
): { readonly count: number; readonly first: string | undefined } {
  const count = Math.max(met.damaged, missing === undefined ? 0 : 1) + sink.damage.count;
  return { count, first: met.firstDamage ?? sink.damage.first ?? missing };
}

/** What was met in the picture, by earlier runs too. */
function metIn(source: FrameSource, work: Resumption | undefined): Met {
  const { damage, repairedTimestamps } = source;
  return work?.met(source) ?? { damaged: damage.count, firstDamage: damage.first, repaired: repairedTimestamps };
}

function damageWarnings({ damaged, firstDamage, repaired }: Met, sink: LineSink): string[] {
  return [
    ...(damaged
      ? [`the source is damaged in ${damaged} places; all that could be decoded was upscaled (${firstDamage})`]
      : []),
    ...(sink.damage.count
      ? [
          `tracks that were converted are damaged in ${sink.damage.count} places; what could be decoded of them was kept (${sink.damage.first})`,
        ]
      : []),
    ...(repaired ? [`${repaired} frames had no usable timestamp and follow the one before`] : []),
  ];
}

/**
 * Looks at the pictures while the work goes on.
 *
 * @param owned ends the look
 * @returns resolves when it is over; never rejects
 */
function hintOf(
  plan: VideoPlan,
  options: UpscaleVideoOptions,
  signal: AbortSignal,
  owned: ClosingStack,
  say: (message: string) => void,
): Promise<void> {
  const ended = new AbortController();
  const looked = fieldHint(plan, options, AbortSignal.any([signal, ended.signal])).then((hint) => {
    if (hint !== undefined) say(hint);
  });
  owned.use(ended, () => {
    ended.abort();
    return looked;
  });
  return looked;
}

/** Where the output is written until it is whole; undefined for stdout. */
async function prepareOutput({
  output,
  overwrite = false,
}: UpscaleVideoOptions): Promise<OutputFile | PictureFolder | undefined> {
  if (output === '-') return undefined;
  const pattern = pictureTarget(output)?.pattern;
  return pattern ? PictureFolder.prepare(pattern, overwrite) : OutputFile.prepare(output, overwrite);
}

async function run(
  options: UpscaleVideoOptions,
  unsubscribed: AbortSignal,
  emit: (event: Progress) => void,
): Promise<void> {
  // Before anything is taken from them: JavaScript lets a call without options pass.
  checkVideoOptions(options);
  const signal = options.signal ? AbortSignal.any([options.signal, unsubscribed]) : unsubscribed;
  const owned = new ClosingStack();
  const onAbort = () => void owned.close().catch(() => undefined);
  const checkAbort = () => throwIfStopped(signal);
  let made: Promise<string> | undefined;
  let work: Resumption | undefined;
  try {
    checkAbort();
    outputContainer(options);
    await refuseSameFile(options.input, options.output);
    const file = await prepareOutput(options);
    if (file) owned.use(file, () => file.discard());
    // Made only when it is needed: most runs write nothing but their output.
    const makeScratch = async () => owned.use(await scratchFolder(), (folder) => folder.remove()).path;
    const scratch = () => {
      made ??= makeScratch();
      return made;
    };
    const path = options.input === '-' ? await spool(process.stdin, await scratch(), signal) : options.input;
    // Loading the runtime takes as long as looking at ffmpeg and the source: both are done at once.
    const thread = owned.use(new InferenceThread(), (unused) => unused.close());
    const plan = await planVideo({ ...options, signal }, path, scratch);
    checkAbort();
    for (const message of plan.warnings) emit({ type: 'warning', message });
    if (file && !options.resume && (await hasWork(options.output))) emit({ type: 'warning', message: FORGOTTEN });
    const looked = hintOf(plan, options, signal, owned, (message) => emit({ type: 'warning', message }));
    const { encode } = plan;
    const target = file?.temporary ?? 'pipe:1';
    if (options.resume) {
      work = owned.use(await Resumption.open({ ...options, signal }, plan), (opened) => opened.close());
    }
    const ends: LineEnds<LineSink> =
      work?.ends(target, (message) => emit({ type: 'warning', message }), joiningTeller(emit)) ??
      wholeVideo(plan, target);
    const { source, upscaler, sink, pool } = await openLine(plan, { ...options, signal }, ends, owned, thread);
    signal.addEventListener('abort', onAbort, { once: true });
    checkAbort();
    emit(startEvent(options, plan, upscaler, work?.resumedFrom ?? 0));
    const meter = new Meter(plan.totalFrames, work?.resumedFrom);
    let told = Number.NEGATIVE_INFINITY;
    await runLine({
      ...{ source, upscaler, sink, pool, meter, zeroNs: BigInt(Math.round(encode.zero * 1e9)) },
      onWritten() {
        if (performance.now() - told < PROGRESS_MS) return;
        told = performance.now();
        emit(meter.event());
      },
    });
    await sink.finish();
    await looked;
    checkAbort();
    const met = metIn(source, work);
    const at = meter.lastFrameAt;
    const missing = cutOff(plan, options, meter.frames, at === undefined ? undefined : at + encode.zero);
    const damage = damageOf(met, sink, missing);
    if (options.strict && damage.count) {
      throw new TinySRError(
        'TSR_INPUT_DAMAGED',
        `${options.input}: damaged in ${damage.count} places (${damage.first})`,
        {
          hint: 'Without --strict all that can be decoded is delivered.',
        },
      );
    }
    // What went to stdout cannot be looked at.
    const lost = sink.damage.count && file ? await emptyTracks(encode, target, signal) : [];
    checkAbort();
    const cut = missing === undefined ? [] : [`the source is not whole: ${missing}`];
    for (const message of [...damageWarnings(met, sink), ...cut, ...lost]) emit({ type: 'warning', message });
    for (const message of await carryProfile(encode, target)) emit({ type: 'warning', message });
    for (const message of await carryExif(encode, target)) emit({ type: 'warning', message });
    for (const message of (await file?.commit()) ?? []) emit({ type: 'warning', message });
    await work?.remove();
    emit(meter.event());
    const { frames, seconds, fps, speed, stageMs } = meter;
    const done: DoneEvent = {
      ...{ type: 'done', output: options.output, frames, seconds, fps, speed, stageMs },
      ...{ resumedFrom: work?.resumedFrom ?? 0, damaged: damage.count },
    };
    emit(done);
  } catch (error) {
    const scratch = await made?.catch(() => undefined);
    const told = signal.aborted ? stoppedError(signal) : inUsersWords(toTinySRError(error), scratch, options.input);
    // What was under way becomes a piece, too, while the parts are closed: how far it came is known after that.
    await owned.close().catch(() => undefined);
    throw work?.inItsWords(told) ?? told;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await owned.close();
  }
}

/**
 * Upscales a video, a picture or numbered pictures to one of these. The work starts when the Observable is subscribed to
 * and stops when it is unsubscribed from; nothing is left of an output that was not finished, but for the finished pieces
 * with `resume`.
 *
 * @returns events: `start`, many `progress`, `warning`s, `done`; errors are {@link TinySRError}s
 * @example
 * upscaleVideo({ input: 'in.mp4', output: 'out.mp4' }).subscribe({ next: console.log, error: console.error });
 */
export function upscaleVideo(options: UpscaleVideoOptions): Observable<Progress> {
  return new Observable((subscriber) => {
    const abort = new AbortController();
    run(options, abort.signal, (event) => subscriber.next(event)).then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    );
    return () => abort.abort();
  });
}
