import type { ChildExit } from '../shared/child.js';
import { RESCUE, readFailure } from '../shared/damage.js';
import { type ErrorCode, TinySRError } from '../shared/errors.js';
import { fileUrl } from '../shared/input-options.js';

/** The line of ffmpeg's stderr that says most: the first one, as the others follow from it. */
function reason(stderr: string): string {
  const line = stderr.split('\n').find((candidate) => candidate.trim()) ?? '';
  return line.replace(/^\[[^\]]*\]\s*/, '').trim();
}

/** What an end of the encoder means, in words. */
interface Meaning {
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint: string;
}

const FREE_SPACE = 'Free some space, or write to another disk; nothing was left behind.';

/** What ffmpeg says of an output that is not whole, though it may end with status 0: the trailer, or what the disk was to take. */
const NOT_WRITTEN =
  /Error writing trailer of .*|Error closing file.*|^file:.*: (Input\/output error|Stale file handle|Transport endpoint is not connected|Connection timed out)$|Invalid length 0x[0-9a-f]+ > 0x[0-9a-f]+.*/m;

/** A failure to open a file, as ffmpeg says it. */
const CANNOT_OPEN =
  /^file:.*: (Permission denied|Operation not permitted|Read-only file system|No such file or directory)$/m;

/** Why the source could not be opened, which was there when it was looked at; undefined when it could. */
function sourceGone(stderr: string, source: string): Meaning | undefined {
  const start = `${fileUrl(source)}: `;
  const line = stderr.split('\n').find((candidate) => candidate.startsWith(start) && CANNOT_OPEN.test(candidate));
  if (line === undefined) return undefined;
  const why = line.slice(start.length);
  return {
    code: why.startsWith('No such') ? 'TSR_INPUT_NOT_FOUND' : 'TSR_INPUT_UNREADABLE',
    what: `the source ${source} went while it was upscaled (${why})`,
    hint: 'Put it back, and run again.',
  };
}

/** A track that the muxer, or the encoder that was to convert it, refuses; stream 0 is the picture. */
const TRACK_REFUSED = /Error initializing output stream 0:(?!0 )(\d+)|Could not write header for output file/;

const ENCODER_REFUSED = [
  /Error initializing output stream|Device creation failed|Failed to set value .* for option '\w+_device'/,
  /Error while opening encoder|No device available|Cannot load|Unknown encoder/i,
  /Invalid pixel format|Unrecognized option|Option not found|Error setting option/,
];

/** What an encoder was to join, as far as its errors depend on that. */
interface EncodeOrigin {
  /** Path of the video that the other tracks come from. */
  readonly source?: string;
  /** ffmpeg muxer of the output. */
  readonly muxer?: string;
}

/** Meanings of what ffmpeg said, looked at in this order: a full disk makes it say much else besides. */
function meaningOf(exit: ChildExit, encoder: string, from: EncodeOrigin): Meaning | undefined {
  const { source, muxer } = from;
  const { stderr, signal } = exit;
  if (/No space left on device|Disk quota exceeded/i.test(stderr)) {
    return { code: 'TSR_OUTPUT_DISK_FULL', what: 'the disk is full', hint: FREE_SPACE };
  }
  if (signal === 'SIGXFSZ' || /File too large/.test(stderr)) {
    return {
      code: 'TSR_OUTPUT_DISK_FULL',
      what: 'it would be larger than a file may be here',
      hint: 'Raise the limit (ulimit -f), or write to a file system of larger files; nothing was left behind.',
    };
  }
  const unreadable = source === undefined ? undefined : readFailure(stderr, fileUrl(source));
  if (unreadable !== undefined) {
    return {
      code: 'TSR_INPUT_UNREADABLE',
      what: `the source could not be read to its end (${unreadable})`,
      hint: RESCUE,
    };
  }
  // It says then that the trailer cannot be written, too.
  if (signal === 'SIGPIPE' || /Broken pipe/.test(stderr)) {
    return {
      code: 'TSR_OUTPUT_UNWRITABLE',
      what: 'its reader has closed the pipe',
      hint: 'Let the reading program take the whole video, or write to a file.',
    };
  }
  const lost = NOT_WRITTEN.exec(stderr)?.[0];
  if (lost !== undefined) {
    return {
      code: 'TSR_OUTPUT_UNWRITABLE',
      what: `it could not be written to its end (${lost.replace(/^file:.*: /, '')})`,
      hint: 'The disk or the connection failed: write to another one; nothing was left behind.',
    };
  }
  if (exit.code === 0 && !signal) return undefined;
  if (signal) {
    return {
      code: 'TSR_ENCODE_FAILED',
      what: `the encoding ffmpeg was ended by ${signal}`,
      hint: 'Was it killed, or did the machine run out of memory? Run again.',
    };
  }
  const gone = source === undefined ? undefined : sourceGone(stderr, source);
  if (gone) return gone;
  if (CANNOT_OPEN.test(stderr)) {
    return {
      code: 'TSR_OUTPUT_UNWRITABLE',
      what: reason(stderr).replace(/^file:.*: /, ''),
      hint: 'Choose a folder that exists and that you may write to.',
    };
  }
  if (TRACK_REFUSED.test(stderr)) {
    return {
      code: 'TSR_OUTPUT_FORMAT',
      what: `a track cannot be written in this container (${reason(stderr)})`,
      hint:
        muxer === 'matroska'
          ? 'Leave the track out first: ffmpeg -i IN -map 0 -map -0:TRACK -c copy OUT.mkv'
          : 'Write Matroska (.mkv), which holds most kinds of tracks.',
    };
  }
  if (ENCODER_REFUSED.some((pattern) => pattern.test(stderr))) {
    return {
      code: 'TSR_ENCODER_MISSING',
      what: `encoder ${encoder} cannot start (${reason(stderr)})`,
      hint: 'Check --encoder, --crf, --preset, --pix-fmt and --ffmpeg-arg; tinysr-video doctor lists what this machine has.',
    };
  }
  return {
    code: 'TSR_ENCODE_FAILED',
    what: `the encoding ffmpeg failed (${reason(stderr) || `exit status ${exit.code}`})`,
    hint: 'Run with --verbose to see all it said.',
  };
}

/** What an ended encoder means; undefined when all is well. */
export function encodeError(
  target: string,
  encoder: string,
  exit: ChildExit,
  from: EncodeOrigin = {},
): TinySRError | undefined {
  const meaning = meaningOf(exit, encoder, from);
  if (!meaning) return undefined;
  const { code, what, hint } = meaning;
  return new TinySRError(code, `${target}: ${what}`, { hint, cause: new Error(exit.stderr) });
}
