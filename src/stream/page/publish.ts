import type { types } from 'mediasoup-client';
import { stayConnected } from './connection.js';
import { holdBack } from './hold-back.js';
import { MediaLoss } from './media-loss.js';
import { getsThrough, LOST, theEnd } from './media-path.js';
import { openTransport, type RoomStats, Signal } from './signal.js';
import { type Choice, camera, file, GONE, problem, type Source, screen } from './source.js';
import { element, figures, knownToken, shape, show, status, toast, viewers } from './ui.js';

/**
 * What the form says. Cameras give the colours that VP8 is always taken to have, BT.601; files and screens are mostly
 * BT.709, which H.264 is taken to have when the browser does not say.
 */
function choice(source: Source): Choice {
  return {
    source,
    codec: source === 'camera' ? 'video/vp8' : 'video/h264',
    height: Number(element<HTMLSelectElement>('size').value),
    rate: Number(element<HTMLSelectElement>('rate').value),
    sound: element<HTMLInputElement>('sound').checked,
  };
}

/** A secret of this tab that lets it come back into its room. */
function roomKey(): string {
  const known = sessionStorage.getItem('key');
  if (known) return known;
  const key = [...crypto.getRandomValues(new Uint8Array(24))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  sessionStorage.setItem('key', key);
  return key;
}

/** Publishing: from the choice of a source until Stop. */
class Studio {
  readonly #stream: MediaStream;
  readonly #choice: Choice;
  #room: string | undefined;
  #signal: Signal | undefined;
  #transport: types.Transport | undefined;
  #producer: types.Producer | undefined;
  #timer = 0;
  #stats: RoomStats | undefined;
  #sent = { bytes: 0, at: 0 };
  #ended = false;

  constructor(stream: MediaStream, wanted: Choice) {
    this.#stream = stream;
    this.#choice = wanted;
    const room = new URLSearchParams(location.search).get('room');
    this.#room = room || undefined;
    element('stop').onclick = () => this.end();
    holdBack(stream, wanted.sound);
    for (const track of stream.getVideoTracks()) track.addEventListener('ended', () => this.end(GONE[wanted.source]));
    this.#timer = window.setInterval(() => void this.#show(), 1000);
  }

  /** Is live until the end. */
  run(): Promise<void> {
    return stayConnected({
      once: (settled) => this.#once(settled),
      ended: () => this.#ended,
      trouble: (reason) => this.#says(reason),
      replaced: () => this.#takesOver(),
    });
  }

  /** @param reason why it is not live; undefined: it is */
  #says(reason: string | undefined): void {
    const live = reason === undefined;
    element('studio-title').textContent = live ? 'You are live' : 'You are not live';
    element('live-badge').hidden = !live;
    element('studio-trouble').hidden = live;
    const known = element<HTMLInputElement>('link').value !== '';
    element('share').hidden = !known;
    element('open-watch').hidden = !known;
    element('studio-trouble').textContent = reason ?? '';
  }

  /** Resolves when the room is wanted back: two tabs that took it unasked would push each other out for ever. */
  async #takesOver(): Promise<void> {
    const button = element('take-over');
    button.hidden = false;
    await new Promise((resolve) => {
      button.onclick = resolve;
    });
    button.hidden = true;
  }

  async #once(settled: () => void): Promise<void> {
    const loss = new MediaLoss((lost) => {
      status(lost ? 'bad' : 'live', lost ? 'Reconnecting' : 'Live');
      this.#says(lost ? LOST : undefined);
    });
    const { signal, welcome } = await Signal.open(
      { role: 'publish', room: this.#room, key: roomKey(), token: knownToken() },
      {
        stats: (stats) => {
          this.#stats = stats;
        },
        ice: (lost) => loss.relaySays(lost),
      },
    );
    this.#signal = signal;
    try {
      this.#room = welcome.room;
      history.replaceState(null, '', `/?room=${encodeURIComponent(welcome.room)}`);
      const link = new URL(`/r/${encodeURIComponent(welcome.room)}`, location.href).href;
      element<HTMLInputElement>('link').value = link;
      element<HTMLAnchorElement>('open-watch').href = link;
      const { device, transport } = await openTransport(signal, welcome, 'send', loss);
      this.#transport = transport;
      const [video] = this.#stream.getVideoTracks();
      const [audio] = this.#stream.getAudioTracks();
      if (video) this.#producer = await this.#sendVideo(device, transport, video, welcome.maxBitrate);
      if (audio && this.#choice.sound) {
        await transport.produce({
          track: audio,
          stopTracks: false,
          codecOptions: { opusStereo: true, opusDtx: false },
        });
      }
      // Signalling alone is not live: media has a way of its own, which may be blocked.
      await getsThrough(transport, welcome, signal.ended);
      status('live', 'Live');
      settled();
      throw await theEnd(signal.ended, welcome);
    } finally {
      this.#transport?.close();
      this.#producer = undefined;
      this.#stats = undefined;
      signal.close();
    }
  }

  async #sendVideo(device: types.Device, transport: types.Transport, track: MediaStreamTrack, limit: number) {
    const { height, rate } = this.#choice;
    const actual = track.getSettings().height ?? height;
    track.contentHint = 'motion';
    const encoding = {
      maxBitrate: Math.min(limit, Math.max(500_000, Math.round(height * height * 12))),
      maxFramerate: rate,
      scaleResolutionDownBy: Math.max(1, actual / height),
    };
    const codec = device.sendRtpCapabilities.codecs?.find(
      ({ mimeType }) => mimeType.toLowerCase() === this.#choice.codec,
    );
    return transport.produce({
      track,
      stopTracks: false,
      encodings: [encoding],
      codecOptions: { videoGoogleStartBitrate: 800 },
      ...(codec ? { codec } : {}),
    });
  }

  async #show(): Promise<void> {
    const stats = this.#stats;
    const preview = element<HTMLVideoElement>('preview');
    shape('studio-stage', preview.videoWidth, preview.videoHeight);
    viewers(stats?.viewers);
    let size = '–';
    let rate = '–';
    let bits = '–';
    for (const report of (await this.#producer?.getStats().catch(() => undefined))?.values() ?? []) {
      if (report.type !== 'outbound-rtp') continue;
      if (report.frameWidth) size = `${report.frameWidth} × ${report.frameHeight}`;
      if (report.framesPerSecond) rate = `${Math.round(report.framesPerSecond)} fps`;
      const { bytes, at } = this.#sent;
      if (at && report.timestamp > at)
        bits = `${Math.max(0, Math.round(((report.bytesSent - bytes) * 8) / (report.timestamp - at)))} kbit/s`;
      this.#sent = { bytes: report.bytesSent, at: report.timestamp };
    }
    const bridge = stats?.bridge;
    figures('studio-stats', [
      ['Sent size', size],
      ['Sent rate', rate],
      ['Bit rate', bits],
      ['Viewers see', bridge?.output?.replace('x', ' × ') ?? '–'],
      ['Upscaled rate', bridge ? `${bridge.fpsOut.toFixed(0)} fps` : '–'],
      ['Delay added', bridge?.fpsOut && bridge.ageMs ? `${bridge.ageMs} ms` : '–'],
    ]);
  }

  /** Stops and goes back to the start. @param reason said there */
  end(reason?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    for (const track of this.#stream.getTracks()) track.stop();
    this.#signal?.close();
    if (reason === undefined) location.assign('/');
    else {
      sessionStorage.setItem('said', reason);
      // The room stays in the address: whoever goes live again is where the viewers wait.
      location.reload();
    }
  }
}

let starting = false;

async function start(wanted: Choice, open: (wanted: Choice) => Promise<MediaStream>): Promise<void> {
  // The browser asks for leave meanwhile, and somebody presses again: two that are live here would push each other out.
  if (starting) return toast('One moment: the browser still asks for what you chose before.');
  starting = true;
  try {
    const stream = await open(wanted);
    if (stream.getVideoTracks().length === 0 && !(wanted.sound && stream.getAudioTracks().length > 0))
      throw new Error('there is no picture in it, and no sound that is to be sent');
    const preview = element<HTMLVideoElement>('preview');
    if (!preview.src) preview.srcObject = stream;
    show('studio');
    await new Studio(stream, wanted).run();
  } catch (error) {
    status('bad', 'Not started');
    toast(problem(error, wanted));
  } finally {
    starting = false;
  }
}

/** The start page. */
export function home(): void {
  show('home');
  const insecure = !window.isSecureContext;
  element('insecure').hidden = !insecure;
  const camerasThere = navigator.mediaDevices !== undefined;
  element<HTMLButtonElement>('use-camera').disabled = !camerasThere;
  element<HTMLButtonElement>('use-screen').disabled = !camerasThere || !('getDisplayMedia' in navigator.mediaDevices);
  element('use-camera').onclick = () => void start(choice('camera'), camera);
  element('use-screen').onclick = () => void start(choice('screen'), screen);
  const said = sessionStorage.getItem('said');
  sessionStorage.removeItem('said');
  if (said) toast(said, true);
  const picker = element<HTMLInputElement>('file');
  element('use-file').onclick = () => {
    // The same file may be tried again.
    picker.value = '';
    picker.click();
  };
  picker.onchange = () => {
    const [chosen] = picker.files ?? [];
    if (chosen) void start(choice('file'), () => file(chosen));
  };
  element('copy').onclick = async () => {
    const link = element<HTMLInputElement>('link');
    link.select();
    // There is no clipboard for pages that are not HTTPS.
    const copied = await navigator.clipboard?.writeText(link.value).then(
      () => true,
      () => false,
    );
    element('copy').textContent = copied ? 'Copied' : 'Selected';
    setTimeout(() => {
      element('copy').textContent = 'Copy';
    }, 2000);
  };
  element<HTMLFormElement>('watch-form').onsubmit = (event) => {
    event.preventDefault();
    location.assign(`/r/${encodeURIComponent(element<HTMLInputElement>('room-name').value)}`);
  };
}
