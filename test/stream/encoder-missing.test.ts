import { chmod, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createRelay } from '#src/stream/relay.js';
import { testFolder } from '../support/folder.js';

const folder = testFolder();

describe('a relay whose ffmpeg was built without x264', () => {
  const before = process.env.TINYSR_FFMPEG;
  afterEach(() => {
    if (before === undefined) delete process.env.TINYSR_FFMPEG;
    else process.env.TINYSR_FFMPEG = before;
  });

  it('says so when it starts, and starts with VP8', async () => {
    const ffmpeg = folder.file('ffmpeg');
    await writeFile(ffmpeg, '#!/bin/sh\nffmpeg "$@" | grep -v libx264\n');
    await chmod(ffmpeg, 0o755);
    process.env.TINYSR_FFMPEG = ffmpeg;
    await expect(createRelay({ listen: '127.0.0.1:0', mediaPort: 0 })).rejects.toMatchObject({
      code: 'TSR_ENCODER_MISSING',
      message: `${ffmpeg} has no libx264, which the upscaled stream needs`,
      hint: expect.stringContaining('--codec vp8'),
    });
    await using relay = await createRelay({ listen: '127.0.0.1:0', mediaPort: 0, device: 'cpu', codec: 'vp8' });
    expect(relay.url).toMatch(/^http:/);
  });
});
