import type { OtherStream } from '../shared/media.js';
import type { Container } from './containers.js';

/** Marks of tracks by ffmpeg's names, in words. Others are about pictures, or tell nobody anything. */
const WORDS: Readonly<Record<string, string>> = {
  default: 'default',
  forced: 'forced',
  hearing_impaired: 'for the hard of hearing',
  visual_impaired: 'for the visually impaired',
  captions: 'captions',
  descriptions: 'descriptions',
  comment: 'commentary',
  original: 'original language',
  dub: 'dubbed',
  lyrics: 'lyrics',
  karaoke: 'karaoke',
  clean_effects: 'without dialogue',
};

/** Two names of one thing: a container that knows one of them is read as if it had said both, or the other. */
const SAME: readonly (readonly string[])[] = [
  ['hearing_impaired', 'captions'],
  ['visual_impaired', 'descriptions'],
];

const EVERYWHERE = ['default', 'forced'];
const ISO_KINDS = ['hearing_impaired', 'captions', 'visual_impaired', 'descriptions', 'comment', 'dub'];

/** What ffmpeg's muxers write of these marks. */
const KEPT: Readonly<Record<Container['muxer'], Readonly<Record<'audio' | 'subtitle', readonly string[]>>>> = {
  matroska: {
    audio: [...EVERYWHERE, 'hearing_impaired', 'visual_impaired', 'comment', 'original', 'dub'],
    subtitle: [...EVERYWHERE, 'hearing_impaired', 'visual_impaired', 'descriptions', 'comment', 'original', 'dub'],
  },
  webm: { audio: EVERYWHERE, subtitle: [...EVERYWHERE, 'captions', 'descriptions'] },
  mp4: { audio: [...EVERYWHERE, ...ISO_KINDS], subtitle: [...EVERYWHERE, ...ISO_KINDS] },
  mov: { audio: ['default'], subtitle: ['default'] },
  // Its subtitles carry over the kind that a transport stream said they were of.
  mpegts: { audio: ['hearing_impaired', 'visual_impaired', 'descriptions', 'clean_effects'], subtitle: [] },
  // Without tracks there is nothing to mark.
  image2: { audio: [], subtitle: [] },
};

/** Whether a container says of itself which track is shown: where it does not, players take the first. */
const isSaid = (muxer: Container['muxer'], mark: string, isFirst: boolean) =>
  muxer === 'mpegts' && mark === 'default' && isFirst;

/**
 * The marks of a carried track that the container cannot hold, in words.
 *
 * @param isFirst whether it is the output's first track of its type
 */
export function lostMarks(
  { type, dispositions }: OtherStream,
  { muxer }: Container,
  sourceFormat: string,
  isFirst: boolean,
): string[] {
  if (type !== 'audio' && type !== 'subtitle') return [];
  const kept = KEPT[muxer][type];
  const copiedKind = muxer === 'mpegts' && type === 'subtitle' && sourceFormat === 'mpegts';
  const lost = dispositions.filter((mark) => {
    const names = SAME.find((group) => group.includes(mark)) ?? [mark];
    const survives = names.some((name) => kept.includes(name) && (name === mark || dispositions.includes(name)));
    return !survives && !isSaid(muxer, mark, isFirst) && !(copiedKind && mark === 'hearing_impaired');
  });
  return lost.flatMap((mark) => WORDS[mark] ?? []);
}

/** ffmpeg's value for the marks of a track that does not come from the source itself, and so brings none. */
export function dispositionValue(dispositions: readonly string[]): string {
  return dispositions.filter((mark) => mark in WORDS).join('+') || '0';
}
