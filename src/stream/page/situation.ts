import { LOST } from './media-path.js';
import type { RoomStats, Untakeable } from './signal.js';

export type Mode = 'split' | 'upscaled' | 'original';

/** A picture without a new frame for so long stands still, in milliseconds. */
const STILL_MS = 2000;
/** How long the first frame may take, in milliseconds: the upscaler may have to be loaded. */
const FIRST_MS = 15_000;

/** What is known of a picture. */
export interface Progress {
  /** Frames decoded so far. */
  readonly frames: number;
  /** How long ago the last of them came, or the wait for the first began, in milliseconds. */
  readonly stillMs: number;
}

/** What a viewer's page knows. */
export interface Known {
  readonly mode: Mode;
  readonly stats: RoomStats;
  readonly untakeable: readonly Untakeable[];
  readonly before: Progress;
  readonly after: Progress;
  readonly muted: boolean;
  /** Whether media got through and does not any more. */
  readonly lost: boolean;
  /** What to say when media does not get through; undefined: it does. */
  readonly blocked: string | undefined;
}

/** How things are, for the bar and the stage. */
export interface Situation {
  readonly state: 'busy' | 'live' | 'bad';
  readonly status: string;
  /** What the stage says; undefined: nothing need be said. */
  readonly text?: string;
  /** Which picture can be seen meanwhile; undefined: none. */
  readonly picture?: Mode | undefined;
}

const moves = ({ frames, stillMs }: Progress) => frames > 0 && stillMs < STILL_MS;

/** How things are, in words that say what to do. */
export function situation(known: Known): Situation {
  const { mode, stats, untakeable, before, after, lost, blocked } = known;
  const awaited = mode === 'original' ? before : after;
  // The last picture stays to be seen.
  if (lost) return { state: 'bad', status: 'Reconnecting', text: LOST, picture: awaited.frames > 0 ? mode : undefined };
  if (!stats.live) {
    if (!stats.sound) return { state: 'busy', status: 'Waiting', text: 'Waiting for the publisher' };
    const hint = known.muted ? ' Unmute to hear it.' : '';
    return { state: 'live', status: 'Sound only', text: `The publisher sends sound and no picture.${hint}` };
  }
  if (blocked && awaited.frames === 0 && awaited.stillMs >= FIRST_MS)
    return { state: 'bad', status: 'No picture', text: blocked };
  const trouble = mode === 'original' ? originalTrouble(known) : upscaledTrouble(known);
  if (!trouble) {
    const missing = mode === 'split' && untakeable.find(({ source }) => source === 'original');
    return missing
      ? { state: 'live', status: 'Live', text: foreign(missing), picture: 'upscaled' }
      : { state: 'live', status: 'Live', picture: mode };
  }
  if (mode === 'original' || trouble.state === 'busy') return trouble;
  // Whoever compares the two is left with the one that goes on.
  if (mode === 'split' && moves(before))
    return { ...trouble, text: `${trouble.text} This is the original.`, picture: 'original' };
  return trouble.picture ? trouble : { ...trouble, text: `${trouble.text} Choose "Original" to see it as it is sent.` };
}

function upscaledTrouble({ mode, stats: { bridge }, untakeable, after }: Known): Situation | undefined {
  const missing = untakeable.find(({ source }) => source === 'upscaled');
  if (missing) return { state: 'bad', status: 'No picture', text: foreign(missing) };
  if (bridge?.state === 'refused')
    return { state: 'bad', status: 'Not upscaled', text: `The picture cannot be upscaled: ${bridge.reason}.` };
  if (bridge?.state === 'failing')
    return { state: 'bad', status: 'Restarting', text: 'The upscaler failed and is being started again by itself.' };
  return standstill(after, mode, bridge?.fpsIn === 0);
}

function originalTrouble({ mode, untakeable, before }: Known): Situation | undefined {
  const missing = untakeable.find(({ source }) => source === 'original');
  if (missing) return { state: 'bad', status: 'No picture', text: foreign(missing) };
  return standstill(before, mode, false);
}

/** @param silent whether it is known that the publisher sends nothing */
function standstill(progress: Progress, mode: Mode, silent: boolean): Situation | undefined {
  const { frames, stillMs } = progress;
  if (moves(progress)) return undefined;
  if (frames === 0 && stillMs < FIRST_MS) return { state: 'busy', status: 'Starting', text: 'Almost there' };
  const text = silent
    ? 'The publisher sends no picture at the moment. It goes on by itself when one comes.'
    : 'No new picture comes. It goes on by itself; if it does not, check your network, or load the page again.';
  // The last picture stays to be seen.
  return { state: 'bad', status: 'No new picture', text, picture: frames > 0 ? mode : undefined };
}

function foreign({ source, codec }: Untakeable): string {
  return `This browser cannot show the ${source} picture: it does not decode ${codec}. Another browser may.`;
}
