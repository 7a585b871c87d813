import type { types } from 'mediasoup-client';
import { stayConnected } from './connection.js';
import { openTransport, type RoomStats, Signal } from './signal.js';
import { element, figures, knownToken, sentence, shape, show, status, toast, viewers } from './ui.js';

type Source = 'camera' | 'screen' | 'file';

interface Choice {
  readonly source: Source;
  readonly height: number;
  readonly rate: number;
  readonly sound: boolean;
  readonly codec: 'video/vp8' | 'video/h264';
}

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

async function camera({ height, rate, sound }: Choice): Promise<MediaStream> {
  const video = {
    height: { ideal: height },
    width: { ideal: Math.round((height * 16) / 9) },
    frameRate: { ideal: rate, max: 30 },
  };
  return navigator.mediaDevices.getUserMedia({ video, audio: sound });
}

async function screen({ rate, sound }: Choice): Promise<MediaStream> {
  return navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: rate, max: 30 } }, audio: sound });
}

async function file(chosen: File): Promise<MediaStream> {
  const video = element<HTMLVideoElement>('preview');
  video.srcObject = null;
  video.src = URL.createObjectURL(chosen);
  video.loop = true;
  video.muted = false;
  video.volume = 0.0001;
  await video.play();
  const capture = video as HTMLVideoElement & { captureStream?(): MediaStream; mozCaptureStream?(): MediaStream };
  const stream = capture.captureStream?.() ?? capture.mozCaptureStream?.();
  if (!stream) throw new Error('this browser cannot send a file; try Chrome or Firefox');
  return stream;
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
    this.#room = room ?? undefined;
    element('stop').onclick = () => this.end();
    for (const track of stream.getVideoTracks()) track.addEventListener('ended', () => this.end());
    this.#timer = window.setInterval(() => void this.#show(), 1000);
  }

  /** Is live until the end. */
  run(): Promise<void> {
    return stayConnected({
      once: (settled) => this.#once(settled),
      ended: () => this.#ended,
      trouble: (reason) => {
        const live = reason === undefined;
        element('studio-title').textContent = live ? 'You are live' : 'You are not live';
        element('live-badge').hidden = !live;
        element('studio-trouble').hidden = live;
        const known = element<HTMLInputElement>('link').value !== '';
        element('share').hidden = !known;
        element('open-watch').hidden = !known;
        element('studio-trouble').textContent = reason ?? '';
      },
      replaced: () => this.#takesOver(),
    });
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
    const { signal, welcome } = await Signal.open(
      { role: 'publish', room: this.#room, key: roomKey(), token: knownToken() },
      {
        stats: (stats) => {
          this.#stats = stats;
        },
      },
    );
    this.#signal = signal;
    try {
      this.#room = welcome.room;
      history.replaceState(null, '', `/?room=${encodeURIComponent(welcome.room)}`);
      const link = new URL(`/r/${encodeURIComponent(welcome.room)}`, location.href).href;
      element<HTMLInputElement>('link').value = link;
      element<HTMLAnchorElement>('open-watch').href = link;
      const { device, transport } = await openTransport(signal, welcome, 'send');
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
      status('live', 'Live');
      settled();
      throw await signal.ended;
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

  /** Stops and goes back to the start. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    for (const track of this.#stream.getTracks()) track.stop();
    this.#signal?.close();
    location.assign('/');
  }
}

/** Why a browser does not give what was chosen, in words for whoever sits there. */
function problem(error: unknown, { source }: Choice): string {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' && source === 'screen') return 'Nothing was chosen to be shown.';
  if (name === 'NotAllowedError') {
    return 'The browser may not use camera and microphone. Allow it beside the address, and try again.';
  }
  if (name === 'NotFoundError') return 'There is no camera or no microphone. Without sound it may work.';
  if (name === 'NotReadableError') return 'Another program is using the camera.';
  if (name === 'NotSupportedError' && source === 'file') return 'This browser cannot play that file.';
  return sentence(error instanceof Error ? error.message : String(error));
}

async function start(wanted: Choice, open: (wanted: Choice) => Promise<MediaStream>): Promise<void> {
  try {
    const stream = await open(wanted);
    const preview = element<HTMLVideoElement>('preview');
    if (!preview.src) preview.srcObject = stream;
    show('studio');
    await new Studio(stream, wanted).run();
  } catch (error) {
    status('bad', 'Not started');
    toast(problem(error, wanted));
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
  const picker = element<HTMLInputElement>('file');
  element('use-file').onclick = () => picker.click();
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
