import { element } from './ui.js';

const PARTS = {
  'hold-picture': { hold: 'Hide picture', give: 'Show picture', held: 'PICTURE HIDDEN' },
  'hold-sound': { hold: 'Mute sound', give: 'Unmute sound', held: 'MUTED' },
} as const;

/**
 * Lets whoever publishes hold picture or sound back for a while. Viewers get black and silence meanwhile and stay connected:
 * to stop and begin again would cost them both seconds, and the room's place perhaps.
 *
 * @param sound whether sound is sent
 */
export function holdBack(stream: MediaStream, sound: boolean): void {
  const tracks = {
    'hold-picture': stream.getVideoTracks(),
    'hold-sound': sound ? stream.getAudioTracks() : [],
  } as const;
  const held = new Set<string>();
  for (const id of ['hold-picture', 'hold-sound'] as const) {
    const button = element(id);
    button.hidden = tracks[id].length === 0;
    button.onclick = () => {
      const now = !held.delete(id);
      if (now) held.add(id);
      for (const track of tracks[id]) track.enabled = !now;
      button.textContent = now ? PARTS[id].give : PARTS[id].hold;
      button.classList.toggle('danger', now);
      const parts = (['hold-picture', 'hold-sound'] as const).filter((part) => held.has(part));
      element('live-badge').textContent = ['LIVE', ...parts.map((part) => PARTS[part].held)].join(' · ');
    };
  }
}
