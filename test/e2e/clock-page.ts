/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Page } from 'playwright-core';

/** Milliseconds after which the picture's time code begins again. */
const CODE_MS = 2 ** 16;
/** Milliseconds between two strokes of the sound; each comes when the clock shows a multiple of it. */
const STROKE_MS = 1000;

/**
 * Replaces the page's camera and microphone by a clock: a picture that carries the time as black and white blocks (16 bits,
 * below them the same inverted), and a short tone whenever the time is a multiple of {@link STROKE_MS}.
 */
export function installClock(page: Page): Promise<void> {
  return page.evaluate(
    ([codeMs, strokeMs]) => {
      const wallClock = () => performance.timeOrigin + performance.now();
      const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 });
      const brush = canvas.getContext('2d', { alpha: false });
      const draw = () => {
        if (!brush) return;
        const code = Math.floor(wallClock()) % codeMs;
        for (let bit = 0; bit < 16; bit += 1) {
          const set = (code >> bit) & 1;
          brush.fillStyle = set ? '#fff' : '#000';
          brush.fillRect(bit * 20, 0, 20, 60);
          brush.fillStyle = set ? '#000' : '#fff';
          brush.fillRect(bit * 20, 60, 20, 60);
        }
        brush.fillStyle = '#777';
        brush.fillRect(0, 120, 320, 60);
      };
      draw();
      setInterval(draw, 1000 / 15);

      const audio = new AudioContext();
      const tone = new OscillatorNode(audio, { frequency: 880 });
      const gate = new GainNode(audio, { gain: 0 });
      const out = audio.createMediaStreamDestination();
      tone.connect(gate).connect(out);
      tone.start();
      let struck = 0;
      setInterval(() => {
        const now = wallClock();
        const next = Math.ceil(now / strokeMs) * strokeMs;
        if (next === struck || next - now > 300 || audio.state !== 'running') return;
        struck = next;
        const at = audio.currentTime + (next - now) / 1000;
        gate.gain.setValueAtTime(0.8, at);
        gate.gain.setValueAtTime(0, at + 0.12);
      }, 100);
      navigator.mediaDevices.getUserMedia = async () => {
        const stream = canvas.captureStream();
        for (const track of out.stream.getTracks()) stream.addTrack(track);
        return stream;
      };
    },
    [CODE_MS, STROKE_MS] as const,
  );
}

/** Something of the clock that reached a viewer. */
interface Reading {
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** How long after it happened at the publisher, in milliseconds. */
  readonly late: number;
}

/** What a viewer has seen and heard of the clock. */
export interface ClockReadings {
  /** Frames in the order of showing. */
  readonly frames: readonly Reading[];
  /** Differences between the time codes of one frame and the next. */
  readonly steps: readonly number[];
  /** Frames whose blocks could not be read. */
  readonly unreadable: number;
  readonly strokes: readonly Reading[];
}

/** What the page's types do not know yet: a track's data as a stream (W3C MediaStreamTrack Insertable Streams). */
declare class MediaStreamTrackProcessor {
  constructor(options: { readonly track: MediaStreamTrack });
  readonly readable: ReadableStream<AudioData>;
}

/** Begins to read the clock from a `<video>` and an `<audio>` of the page, which must be the one in front. */
export function watchClock(page: Page, video: string, audio: string): Promise<void> {
  return page.evaluate(
    ([videoId, audioId, codeMs, strokeMs]) => {
      const wallClock = () => performance.timeOrigin + performance.now();
      const seen = { frames: [] as Reading[], steps: [] as number[], unreadable: 0, strokes: [] as Reading[] };
      (window as unknown as { clock: typeof seen }).clock = seen;
      /** The difference of two times on a clock that goes round, between minus and plus half a round. */
      const difference = (a: number, b: number) => ((((a - b + codeMs / 2) % codeMs) + codeMs) % codeMs) - codeMs / 2;

      const screen = document.getElementById(videoId) as HTMLVideoElement;
      const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 90 });
      const brush = canvas.getContext('2d', { willReadFrequently: true });
      const read = (): number | undefined => {
        brush?.drawImage(screen, 0, 0, 160, 90);
        const pixels = brush?.getImageData(0, 0, 160, 90).data;
        let code = 0;
        for (let bit = 0; bit < 16; bit += 1) {
          const light = (y: number) => pixels?.[(y * 160 + bit * 10 + 5) * 4 + 1] ?? 0;
          const contrast = light(15) - light(45);
          if (Math.abs(contrast) < 60) return undefined;
          if (contrast > 0) code += 2 ** bit;
        }
        return code;
      };
      let last: number | undefined;
      const onFrame = () => {
        const at = wallClock();
        const code = read();
        if (code === undefined) seen.unreadable += 1;
        else {
          seen.frames.push({ at, late: difference(at, code) });
          if (last !== undefined) seen.steps.push(difference(code, last));
          last = code;
        }
        screen.requestVideoFrameCallback(onFrame);
      };
      screen.requestVideoFrameCallback(onFrame);

      const speaker = document.getElementById(audioId) as HTMLAudioElement;
      const [track] = (speaker.srcObject as MediaStream).getAudioTracks();
      if (!track) throw new Error('there is no sound');
      // The track itself: an AudioContext would put a buffer of its own between, which grows on a busy machine.
      const samples = new MediaStreamTrackProcessor({ track }).readable.getReader();
      const listen = async (quiet: number): Promise<void> => {
        const { value } = await samples.read();
        if (!value) return;
        const at = wallClock();
        const wave = new Float32Array(value.numberOfFrames);
        value.copyTo(wave, { planeIndex: 0, format: 'f32-planar' });
        const onset = wave.findIndex((sample) => Math.abs(sample) > 0.1);
        const begun = at - ((wave.length - onset) * 1000) / value.sampleRate;
        const pause = quiet + (value.duration ?? 0) / 1000;
        value.close();
        if (onset >= 0 && quiet > 300) seen.strokes.push({ at: begun, late: begun % strokeMs });
        return listen(onset >= 0 ? 0 : pause);
      };
      void listen(0);
    },
    [video, audio, CODE_MS, STROKE_MS] as const,
  );
}

/** What {@link watchClock} has read up to now. */
export function clockReadings(page: Page): Promise<ClockReadings> {
  return page.evaluate(() => (window as unknown as { clock: ClockReadings }).clock);
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** For each stroke, how much later than the picture around it it was heard, in milliseconds; negative: earlier. */
export function skews({ frames, strokes }: ClockReadings): number[] {
  return strokes.flatMap((stroke) => {
    const around = frames.filter(({ at }) => Math.abs(at - stroke.at) < STROKE_MS / 2).map(({ late }) => late);
    return around.length < 5 ? [] : [stroke.late - median(around)];
  });
}
