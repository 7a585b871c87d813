import { describe, expect, it } from 'vitest';
import { isRecentEnough, requireFfmpeg } from '#src/shared/ffmpeg.js';

describe('the ffmpeg of this machine', () => {
  it.each(['5.1', '5.1.9-0+deb12u1', '6.0', 'n7.1', '10.0.1', 'N-112345-gabcdef', '2024-01-01-git-abc'])(
    '%s is new enough',
    (version) => {
      expect(isRecentEnough(version)).toBe(true);
    },
  );

  it.each(['5.0.1', '4.4.2-0ubuntu', 'n4.3', '3', 'unknown', ''])('%s is not', (version) => {
    expect(isRecentEnough(version)).toBe(false);
  });

  it('is looked at once, and has the encoders that are the defaults', async () => {
    const info = await requireFfmpeg();
    expect(await requireFfmpeg()).toBe(info);
    for (const encoder of ['libx264', 'libx265', 'libvpx-vp9', 'prores_ks', 'ffv1', 'aac']) {
      expect(info.encoders.has(encoder), encoder).toBe(true);
    }
    expect(info.version).toMatch(/^\d/);
  });
});
