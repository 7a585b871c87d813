import type { types } from 'mediasoup';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchSilence } from '#src/stream/whip/silence.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('ends a session from which nothing comes any more, and none from which anything comes', async () => {
  let bytesReceived = 0;
  const silent = vi.fn();
  const getStats = async () => [{ bytesReceived }];
  const timer = watchSilence({ getStats } as unknown as types.WebRtcTransport, silent);
  for (let second = 0; second < 120; second += 4) {
    bytesReceived += 1;
    await vi.advanceTimersByTimeAsync(4000);
  }
  expect(silent).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(9000);
  expect(silent).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(12_000);
  expect(silent).toHaveBeenCalled();
  clearInterval(timer);
});
