import { element, sentence } from './ui.js';

/** Where a picture comes from. */
export type Source = 'camera' | 'screen' | 'file';

/** What is to be sent, and how. */
export interface Choice {
  readonly source: Source;
  readonly height: number;
  readonly rate: number;
  readonly sound: boolean;
  readonly codec: 'video/vp8' | 'video/h264';
}

/** What is said when a source ends by itself: unplugged, taken away, or its sharing stopped in the browser's own bar. */
export const GONE: Readonly<Record<Source, string>> = {
  camera: 'The camera is gone, so you are not live any more. Plug it in, and go live again.',
  screen: 'The screen is not shared any more, so you are not live.',
  file: 'The file has ended, so you are not live any more.',
};

/** Asks for the camera, and the microphone if there is to be sound. */
export async function camera({ height, rate, sound }: Choice): Promise<MediaStream> {
  const video = {
    height: { ideal: height },
    width: { ideal: Math.round((height * 16) / 9) },
    frameRate: { ideal: rate, max: 30 },
  };
  return navigator.mediaDevices.getUserMedia({ video, audio: sound });
}

/** Asks for a screen or a window. */
export async function screen({ rate, sound }: Choice): Promise<MediaStream> {
  return navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: rate, max: 30 } }, audio: sound });
}

/** Plays a file as the preview, over and over. */
export async function file(chosen: File): Promise<MediaStream> {
  const video = element<HTMLVideoElement>('preview');
  video.srcObject = null;
  video.src = URL.createObjectURL(chosen);
  video.loop = true;
  video.muted = false;
  video.volume = 0.0001;
  try {
    await video.play();
  } catch (error) {
    // What is chosen next is shown in the same place.
    URL.revokeObjectURL(video.src);
    video.removeAttribute('src');
    video.muted = true;
    throw error;
  }
  const capture = video as HTMLVideoElement & { captureStream?(): MediaStream; mozCaptureStream?(): MediaStream };
  const stream = capture.captureStream?.() ?? capture.mozCaptureStream?.();
  if (!stream) throw new Error('this browser cannot send a file; try Chrome or Firefox');
  return stream;
}

/** Why a browser does not give what was chosen, in words for whoever sits there. */
export function problem(error: unknown, { source }: Choice): string {
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
