import type { ChildExit } from '../shared/child.js';
import { TinySRError } from '../shared/errors.js';

/** The line of ffmpeg's stderr that says most: the first one, as the others follow from it. */
function reason(stderr: string): string {
  const line = stderr.split('\n').find((candidate) => candidate.trim()) ?? '';
  return line.replace(/^\[[^\]]*\]\s*/, '').trim();
}

/** What an ended encoder means; undefined when all is well. */
export function encodeError(target: string, encoder: string, exit: ChildExit): TinySRError | undefined {
  const cause = new Error(exit.stderr);
  if (/No space left on device/i.test(exit.stderr)) {
    return new TinySRError('TSR_OUTPUT_DISK_FULL', `${target}: the disk is full`, {
      hint: 'Free some space, or write to another disk; nothing was left behind.',
      cause,
    });
  }
  if (exit.code === 0 && !exit.signal) return undefined;
  if (exit.signal) {
    return new TinySRError('TSR_ENCODE_FAILED', `${target}: the encoding ffmpeg was ended by ${exit.signal}`, {
      hint: 'Was it killed, or did the machine run out of memory? Run again.',
      cause,
    });
  }
  if (
    /^file:.*: (Permission denied|Operation not permitted|Read-only file system|No such file or directory)$/m.test(
      exit.stderr,
    )
  ) {
    return new TinySRError('TSR_OUTPUT_UNWRITABLE', `${target}: ${reason(exit.stderr).replace(/^file:.*: /, '')}`, {
      hint: 'Choose a folder that exists and that you may write to.',
      cause,
    });
  }
  if (
    /Error initializing output stream|Device creation failed|Failed to set value .* for option '\w+_device'|Error while opening encoder|No device available|Cannot load|Unknown encoder/i.test(
      exit.stderr,
    )
  ) {
    return new TinySRError(
      'TSR_ENCODER_MISSING',
      `${target}: encoder ${encoder} cannot start (${reason(exit.stderr)})`,
      {
        hint: 'Check --encoder, --crf, --preset, --pix-fmt and --ffmpeg-arg; tinysr-video doctor lists what this machine has.',
        cause,
      },
    );
  }
  return new TinySRError(
    'TSR_ENCODE_FAILED',
    `${target}: the encoding ffmpeg failed (${reason(exit.stderr) || `exit status ${exit.code}`})`,
    {
      hint: 'Run with --verbose to see all it said.',
      cause,
    },
  );
}
