import { toTinySRError } from '../../shared/errors.js';
import { measureStream } from './measure-stream.js';
import type { StreamRequest } from './types.js';

/** Entry of the measuring process of a live path: prints what it found as JSON. */
const reply = await measureStream(JSON.parse(process.argv[2] ?? '{}') as StreamRequest).then(
  (row) => ({ kind: 'stream', row }),
  (error: unknown) => {
    const { code, message } = toTinySRError(error);
    return { kind: 'failed', code, message };
  },
);
process.stdout.write(JSON.stringify(reply), () => process.exit(0));
