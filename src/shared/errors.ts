/** What a code means to a user: the exit status of the CLI and one line for docs/errors.md. */
export interface ErrorDefinition {
  /** Process exit status the CLI ends with (1..125; 130 for an interrupt). */
  readonly exit: number;
  /** One line: when this error occurs. Rendered to docs/errors.md. */
  readonly meaning: string;
}

/**
 * Every error code of tinysr-video. Codes are stable: scripts may match on them.
 * Exit statuses group by who must act: 2 the command line, 3 the input, 4 the output, 5 the model or device, 6 the
 * environment, 7 a fault while running.
 */
export const ERROR_CODES = {
  TSR_USAGE: { exit: 2, meaning: 'The command line or an option value is not valid.' },
  TSR_INPUT_NOT_FOUND: { exit: 3, meaning: 'The input file does not exist.' },
  TSR_INPUT_NOT_FILE: { exit: 3, meaning: 'The input is a folder or a special file where a file is expected.' },
  TSR_INPUT_UNREADABLE: {
    exit: 3,
    meaning: 'The input exists but cannot be opened (permissions) or read to its end (disk, connection).',
  },
  TSR_INPUT_EMPTY: { exit: 3, meaning: 'The input file has no bytes.' },
  TSR_INPUT_INVALID: {
    exit: 3,
    meaning: 'ffmpeg cannot read the input as media (not a video, damaged header, lost moov).',
  },
  TSR_INPUT_SEQUENCE: {
    exit: 3,
    meaning: 'Numbered pictures have a gap, or one of them has another size or cannot be read.',
  },
  TSR_INPUT_NO_VIDEO: { exit: 3, meaning: 'The input has no video stream (audio only, or cover art only).' },
  TSR_INPUT_NO_FRAMES: { exit: 3, meaning: 'No frame could be decoded, or none lies in the asked range.' },
  TSR_INPUT_TOO_LARGE: {
    exit: 3,
    meaning: 'A side above 16384 pixels, or more than 141.5 million pixels, of the input or output.',
  },
  TSR_INPUT_TOO_SMALL: { exit: 3, meaning: 'The input is smaller than 16x16 pixels.' },
  TSR_INPUT_DAMAGED: { exit: 3, meaning: 'Damaged frames were met and --strict was given.' },
  TSR_INPUT_HDR: { exit: 3, meaning: 'The HDR input cannot be kept with the chosen codec or pixel format.' },
  TSR_OUTPUT_EXISTS: {
    exit: 4,
    meaning: 'The output, or one of its numbered pictures, exists and --overwrite was not given.',
  },
  TSR_OUTPUT_SAME_AS_INPUT: {
    exit: 4,
    meaning: 'Input and output are the same file, or have the same numbered names.',
  },
  TSR_OUTPUT_UNWRITABLE: {
    exit: 4,
    meaning:
      'The output cannot be written (folder missing or gone, permissions, is a folder, the reader of a pipe went).',
  },
  TSR_OUTPUT_DISK_FULL: {
    exit: 4,
    meaning: 'The disk, a quota or the largest allowed file became full while writing.',
  },
  TSR_OUTPUT_FORMAT: {
    exit: 4,
    meaning: 'The container is unknown, or cannot hold the chosen codec, a track or more than one frame.',
  },
  TSR_OUTPUT_CLASH: {
    exit: 4,
    meaning: 'Two inputs of a batch, or two runs with --resume at once, would be written to the same output.',
  },
  TSR_RESUME_MISMATCH: {
    exit: 4,
    meaning:
      'With --resume: the source, an option, a model or a program is not as it was when the finished pieces were made.',
  },
  TSR_ENCODER_MISSING: {
    exit: 4,
    meaning: 'ffmpeg has no encoder for the chosen codec, or the named encoder cannot start.',
  },
  TSR_ENCODE_FAILED: { exit: 7, meaning: 'The encoding ffmpeg failed or was killed.' },
  TSR_DECODE_FAILED: { exit: 7, meaning: 'The decoding ffmpeg failed or was killed.' },
  TSR_MODEL_NOT_FOUND: { exit: 5, meaning: 'No shipped model and no file of that name.' },
  TSR_MODEL_INVALID: {
    exit: 5,
    meaning: 'The file is not a loadable ONNX model (not ONNX, truncated, data outside its folder).',
  },
  TSR_MODEL_UNSUPPORTED: {
    exit: 5,
    meaning: 'The model loads but is not an x2, x3 or x4 upscaler of RGB or grey pictures.',
  },
  TSR_MODEL_CHECKSUM: { exit: 5, meaning: 'A shipped model file does not match its sha256 in the manifest.' },
  TSR_DEVICE_UNAVAILABLE: {
    exit: 5,
    meaning: 'The named device cannot be used here (provider missing, no such hardware).',
  },
  TSR_DEVICE_WRONG_RESULT: { exit: 5, meaning: 'The device computes a wrong result on the probe frame.' },
  TSR_OUT_OF_MEMORY: { exit: 5, meaning: 'The device ran out of memory; use --tile or a smaller --batch.' },
  TSR_INFER_FAILED: { exit: 7, meaning: 'Inference failed, or the inference worker died.' },
  TSR_FFMPEG_MISSING: {
    exit: 6,
    meaning: 'ffmpeg or ffprobe is not installed or not on PATH.',
  },
  TSR_FFMPEG_TOO_OLD: { exit: 6, meaning: 'The installed ffmpeg is older than 5.1.' },
  TSR_NODE_TOO_OLD: { exit: 6, meaning: 'Node.js is older than 20.19.' },
  TSR_MEDIASOUP_MISSING: { exit: 6, meaning: 'The relay needs mediasoup and its worker, which are not installed.' },
  TSR_RELAY_CONFIG: { exit: 2, meaning: 'The relay configuration is not valid.' },
  TSR_RELAY_LISTEN: { exit: 6, meaning: 'The relay cannot listen on the asked address or port.' },
  TSR_BATCH_PARTIAL: { exit: 1, meaning: 'At least one file of a batch failed; the others were written.' },
  TSR_INTERRUPTED: { exit: 130, meaning: 'Stopped by Ctrl-C or an abort signal.' },
  TSR_INTERNAL: { exit: 70, meaning: 'A fault in tinysr-video itself; please report it with --verbose output.' },
} as const satisfies Record<string, ErrorDefinition>;

/** A stable error code, e.g. `TSR_INPUT_NOT_FOUND`. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Extra fields of a {@link TinySRError}. */
export interface TinySRErrorOptions {
  /** What the user can do about it: one sentence, imperative. */
  readonly hint?: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** The one error type of tinysr-video: a stable code, a message that says what and where, a hint that says what to do. */
export class TinySRError extends Error {
  override readonly name = 'TinySRError';
  /** Stable code from {@link ERROR_CODES}. */
  readonly code: ErrorCode;
  /** What to do about it, when there is something to do. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: TinySRErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  /** Process exit status the CLI ends with for this error. */
  get exitCode(): number {
    return ERROR_CODES[this.code].exit;
  }
}

/** Whether a system call failed as there is no room: the disk, a quota or the largest allowed file is full. */
export function isFullDisk(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** Wraps anything thrown as a {@link TinySRError}; one that is already stays as it is. */
export function toTinySRError(error: unknown, code: ErrorCode = 'TSR_INTERNAL'): TinySRError {
  if (error instanceof TinySRError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TinySRError(code, message, { cause: error });
}
