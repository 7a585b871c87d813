import type { types } from 'mediasoup-client';
import { stayConnected } from './connection.js';
import { MediaLoss } from './media-loss.js';
import { blockedPath, theEnd } from './media-path.js';
import { openTransport, type RoomStats, Signal, type TrackOffer, type Untakeable } from './signal.js';
import { type Mode, type Progress, situation } from './situation.js';
import { element, figures, knownToken, sentence, shape, show, status, viewers } from './ui.js';

const SOURCES = { split: ['original', 'upscaled'], upscaled: ['upscaled'], original: ['original'] } as const;

interface Track {
  readonly consumer: types.Consumer;
  readonly offer: TrackOffer;
  /** Frames decoded when it was looked last, and when there were more than the time before. */
  frames: number;
  movedAt: number;
}

/** A video with the way of Safari on iPhones to fill the screen. */
type Video = HTMLVideoElement & { webkitEnterFullscreen?(): void };

interface Received extends Progress {
  readonly fps: number;
  readonly width: number;
  readonly height: number;
  readonly bufferMs: number;
}

/** Watching a room. */
class Theatre {
  readonly #room: string;
  readonly #consumers = new Map<string, Track>();
  #mode: Mode = 'split';
  #signal: Signal | undefined;
  #transport: types.Transport | undefined;
  #stats: RoomStats | undefined;
  /** What to say when media does not get through. */
  #blocked = '';
  /** Whether media got through and does not any more. */
  #lost = false;
  #untakeable: readonly Untakeable[] = [];
  /** Since when a track is waited for that has not come. */
  #waitsSince = performance.now();
  #trouble: string | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(room: string) {
    this.#room = room;
    setInterval(() => void this.#show(), 1000);
  }

  /** Which picture is on the stage. */
  set mode(mode: Mode) {
    this.#mode = mode;
    this.#waitsSince = performance.now();
    void this.#show();
    this.#signal?.ask('select', { sources: SOURCES[mode] }).catch(() => undefined);
  }

  /** Watches for as long as the page is open. */
  run(): Promise<void> {
    return stayConnected({
      once: (settled) => this.#once(settled),
      ended: () => false,
      trouble: (reason) => {
        this.#trouble = reason;
        void this.#show();
      },
    });
  }

  async #once(settled: () => void): Promise<void> {
    const loss = new MediaLoss((lost) => {
      this.#lost = lost;
      void this.#show();
    });
    const { signal, welcome } = await Signal.open(
      { role: 'watch', room: this.#room, token: knownToken() },
      {
        track: (offer) => this.#inTurn(() => this.#add(offer)),
        trackEnded: ({ consumerId }) => this.#inTurn(() => this.#remove(consumerId)),
        untakeable: ({ pictures }) => {
          this.#untakeable = pictures;
        },
        stats: (stats) => {
          this.#stats = stats;
        },
        ice: (lost) => loss.relaySays(lost),
      },
    );
    this.#signal = signal;
    try {
      const { device, transport } = await openTransport(signal, welcome, 'receive', loss);
      this.#transport = transport;
      this.#blocked = sentence(blockedPath(welcome));
      await signal.ask('watch', { rtpCapabilities: device.recvRtpCapabilities, sources: SOURCES[this.#mode] });
      settled();
      throw await theEnd(signal.ended, welcome);
    } finally {
      this.#transport?.close();
      for (const id of [...this.#consumers.keys()]) this.#remove(id);
      this.#stats = undefined;
      this.#untakeable = [];
      this.#lost = false;
      signal.close();
    }
  }

  #inTurn(work: () => Promise<void> | void): void {
    this.#work = this.#work.then(work).catch((error) => console.warn('track', error));
  }

  async #add(offer: TrackOffer): Promise<void> {
    const { consumerId, producerId, kind, rtpParameters, source } = offer;
    if (!this.#transport || this.#transport.closed) return;
    const consumer = await this.#transport.consume({ id: consumerId, producerId, kind, rtpParameters });
    this.#consumers.set(consumerId, { consumer, offer, frames: 0, movedAt: performance.now() });
    const target = element<HTMLMediaElement>(kind === 'audio' ? 'audio' : source === 'original' ? 'before' : 'after');
    target.srcObject = new MediaStream([consumer.track]);
    if (kind === 'audio') target.muted = element('mute').getAttribute('aria-pressed') === 'true';
    target.play().catch(() => undefined);
    await this.#signal?.ask('resume', { consumerId });
  }

  #remove(consumerId: string): void {
    const entry = this.#consumers.get(consumerId);
    this.#consumers.delete(consumerId);
    entry?.consumer.close();
    for (const id of ['audio', 'before', 'after']) {
      const media = element<HTMLMediaElement>(id);
      if (entry && (media.srcObject as MediaStream | null)?.getTracks()[0] === entry.consumer.track)
        media.srcObject = null;
    }
  }

  async #received(source: 'original' | 'upscaled'): Promise<Received | undefined> {
    for (const track of this.#consumers.values()) {
      const { consumer, offer } = track;
      if (offer.kind !== 'video' || offer.source !== source) continue;
      const report = [...(await consumer.getStats()).values()].find(({ type }) => type === 'inbound-rtp');
      if (!report) return undefined;
      const frames: number = report.framesDecoded ?? 0;
      const now = performance.now();
      if (frames > track.frames) track.movedAt = now;
      track.frames = frames;
      return {
        frames,
        stillMs: now - track.movedAt,
        fps: report.framesPerSecond ?? 0,
        width: report.frameWidth ?? 0,
        height: report.frameHeight ?? 0,
        bufferMs: report.jitterBufferEmittedCount
          ? (report.jitterBufferDelay / report.jitterBufferEmittedCount) * 1000
          : 0,
      };
    }
    return undefined;
  }

  /** In the split view the original waits for the upscaled picture. */
  #align(ageMs: number): void {
    for (const { consumer, offer } of this.#consumers.values()) {
      if (offer.source !== 'original' || offer.kind !== 'video') continue;
      const receiver = consumer.rtpReceiver as (RTCRtpReceiver & { jitterBufferTarget?: number | null }) | undefined;
      if (!receiver || !('jitterBufferTarget' in receiver)) continue;
      receiver.jitterBufferTarget = this.#mode === 'split' ? Math.min(2000, Math.round(ageMs / 20) * 20) : null;
    }
  }

  async #show(): Promise<void> {
    const stats = this.#stats;
    const bridge = stats?.bridge;
    viewers(stats?.viewers);
    const [before, after] = [await this.#received('original'), await this.#received('upscaled')];
    // While no frame goes out, the age is that of long ago; before the first there is none.
    const age = (bridge?.fpsOut && bridge.ageMs) || undefined;
    if (age) this.#align(age);
    const shown = this.#mode === 'original' ? before : after;
    if (shown || !stats?.live) this.#waitsSince = performance.now();
    const missing: Progress = { frames: 0, stillMs: performance.now() - this.#waitsSince };
    const now =
      stats &&
      situation({
        mode: this.#mode,
        stats,
        untakeable: this.#untakeable,
        before: before ?? missing,
        after: after ?? missing,
        muted: element('mute').getAttribute('aria-pressed') === 'true',
        lost: this.#consumers.size > 0 && this.#lost,
        // Nothing is connected before there is something to be sent.
        blocked:
          this.#consumers.size === 0 || this.#transport?.connectionState === 'connected' ? undefined : this.#blocked,
      });
    if (now) status(now.state, now.status);
    const picture = this.#trouble ? undefined : now?.picture;
    element('stage').dataset.mode = picture ?? this.#mode;
    const seen = picture === 'original' ? before : shown;
    if (seen) shape('theatre', seen.width, seen.height);
    const empty = element('empty');
    const text = this.#trouble ?? (now ? now.text : 'Waiting for the publisher');
    empty.hidden = text === undefined;
    empty.dataset.state = now?.state ?? 'busy';
    empty.toggleAttribute('data-over', picture !== undefined);
    element('empty-text').textContent = text ?? '';
    const size = (received: Received | undefined) => (received?.width ? `${received.width} × ${received.height}` : '–');
    const delay = age !== undefined && after ? Math.round(age + after.bufferMs) : undefined;
    figures('theatre-stats', [
      ['Original', size(before) === '–' ? (bridge?.source?.replace('x', ' × ') ?? '–') : size(before)],
      ['Upscaled', size(after)],
      ['Frame rate', seen ? `${Math.round(seen.fps)} fps` : '–'],
      ['Upscaling adds', age === undefined ? '–' : `${age} ms`, age !== undefined && age > 400 ? 'bad' : undefined],
      ['Delay in all', delay === undefined ? '–' : `${delay} ms`],
      ['Model', bridge?.model ?? '–'],
      ['Frames left out', String(bridge?.displaced ?? 0)],
      ['Packets lost', String(bridge?.packetsLost ?? 0)],
    ]);
  }
}

/** The watching page of a room. */
export function theatre(room: string): void {
  show('theatre');
  document.title = `${room} · tinysr live`;
  const view = new Theatre(room);
  const stage = element('stage');
  const viewer = element('viewer');
  element('room').textContent = room;
  element('room').hidden = false;
  const split = element<HTMLInputElement>('split');
  const move = () => stage.style.setProperty('--split', `${split.value}%`);
  split.oninput = move;
  move();
  const choose = (mode: Mode) => {
    stage.dataset.mode = mode;
    for (const button of viewer.querySelectorAll<HTMLButtonElement>('.segments button')) {
      button.setAttribute('aria-pressed', String(button.dataset.mode === mode));
    }
    view.mode = mode;
  };
  for (const button of viewer.querySelectorAll<HTMLButtonElement>('.segments button')) {
    button.onclick = () => choose(button.dataset.mode as Mode);
  }
  const mute = element<HTMLButtonElement>('mute');
  mute.onclick = () => {
    const off = mute.getAttribute('aria-pressed') !== 'true';
    mute.setAttribute('aria-pressed', String(off));
    const audio = element<HTMLAudioElement>('audio');
    audio.muted = off;
    if (!off) audio.play().catch(() => undefined);
  };
  const info = element<HTMLButtonElement>('info');
  info.onclick = () => {
    const shown = info.getAttribute('aria-pressed') !== 'true';
    info.setAttribute('aria-pressed', String(shown));
    element('theatre-stats').hidden = !shown;
  };
  const full = element('full');
  // iPhones show nothing but a video on the full screen.
  const shown = () => element<Video>(stage.dataset.mode === 'original' ? 'before' : 'after');
  const whole = document.fullscreenEnabled || shown().webkitEnterFullscreen !== undefined;
  full.hidden = !whole;
  full.onclick = () => {
    if (!document.fullscreenEnabled) shown().webkitEnterFullscreen?.();
    else
      void (document.fullscreenElement ? document.exitFullscreen() : viewer.requestFullscreen()).catch(() => undefined);
  };
  document.addEventListener('keydown', (event) => {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      (event.target as HTMLElement).matches('input:not([type=range])')
    )
      return;
    const button = { m: 'mute', i: 'info', f: 'full' }[event.key.toLowerCase()];
    const mode = ({ 1: 'split', 2: 'upscaled', 3: 'original' } as const)[Number(event.key) as 1 | 2 | 3];
    if (button) element(button).click();
    else if (mode) choose(mode);
  });
  void view.run();
}
